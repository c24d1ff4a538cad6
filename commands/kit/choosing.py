"""What type-ahead offers, from memory where the store holds what it held before."""

from collections.abc import Callable

from sqlalchemy import Connection

from commands.kit.command import Option
from commands.kit.forms import MAX_OPTIONS
from commands.kit.services import Services

Find = Callable[[Connection, Services, str], list[Option]]


def narrowed(services: Services, typed: str, find: Find) -> list[Option]:
    """The options whose value contains what is typed, of those that `find` finds by it: of few all are remembered,
    and among many it is asked, for the first hundred are not all."""

    def found(by: str) -> list[Option]:
        return services.store.recall((find, id(services.policy), by), lambda tx: find(tx, services, by))

    wanted = typed.lower()
    options = found("")
    if wanted and len(options) >= MAX_OPTIONS:
        options = found(wanted)
    return [option for option in options if wanted in option.value.lower()]
