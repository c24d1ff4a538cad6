"""Which digest is meant, and whether a person may see and change it."""

from collections.abc import Iterable

from sqlalchemy import Connection

from commands.digest.listing import words
from commands.kit import schedule
from commands.kit.command import Asked
from commands.kit.errors import UserError
from commands.kit.services import Services
from commands.kit.words import esc
from storage import digests
from storage.digests import Digest


def known(digest_id: str, asked: Asked, services: Services) -> Digest:
    """Raises UserError for what was removed, and for who is not in its channel (any more) and has not set it."""
    with services.store.read() as tx:
        there = still_set(tx, digest_id)
    if not is_theirs(there, asked) and not services.people.is_in(asked.person, there.channel):
        raise UserError(
            "That digest is of a channel that you are not in.", "Ask somebody in it, or to be let in."
        )
    return there


def still_set(tx: Connection, digest_id: str) -> Digest:
    """Raises UserError for what was removed."""
    there = digests.get(tx, digest_id)
    if there is None or there.state == digests.REMOVED:
        raise UserError("That digest was removed.", "`/digest` shows what is set here.")
    return there


def is_theirs(there: Digest, asked: Asked) -> bool:
    return there.channel == asked.channel or there.created_by == asked.person.id


def chosen(said: str, asked: Asked, services: Services) -> Digest:
    """The digest of this channel that a number in its list, or its times, mean; the only one where nothing is said."""
    with services.store.read() as tx:
        there = digests.of_channel(tx, asked.channel)
    if not there:
        raise UserError("No digest is set in this channel.", "`/digest set weekdays at 8:30` sets one.")
    if not said and len(there) == 1:
        return there[0]
    for number, digest in enumerate(there, start=1):
        if said == str(number):
            return digest
    found = [each for each in there if said and each.cron == _cron(said)]
    if len(found) == 1:
        return found[0]
    numbered = "; ".join(f"{number}: {words(each)}" for number, each in enumerate(there, start=1))
    raise UserError("It is not clear which digest is meant.", f"Add its number. {numbered}.")


def _cron(said: str) -> str | None:
    try:
        return schedule.parse(said).cron
    except UserError:
        return None


def as_times(said: str, acts: Iterable[str]) -> str:
    """A schedule without the word `set`. Raises UserError, which names what can be done, for anything else."""
    if _cron(said) is None:
        raise UserError(
            f"“{esc(said[:80])}” is nothing that `/digest` does, and no time.",
            f"It does: {', '.join(acts)}. For instance `/digest set weekdays at 8:30`.",
        )
    return said
