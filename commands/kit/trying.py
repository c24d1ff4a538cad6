"""What is tried again because a service did not do it, and steps of which none keeps the others waiting."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from structlog.typing import FilteringBoundLogger

from commands.kit.errors import UserError
from commands.kit.services import Services
from infra.azureml.errors import Unreadable
from infra.http.errors import AzureError, Throttled
from infra.iothub.errors import Resting
from storage.leases import Lost

SHORTEST, LONGEST = timedelta(seconds=2), timedelta(seconds=8)


class Identified(Protocol):
    @property
    def id(self) -> str: ...


Moved = TypeVar("Moved", bound=Identified)


def next_try(tries: int, trouble: Exception, services: Services) -> dict[str, Any]:
    """What a record says of it: each time a little later, and no sooner than the service asks for."""
    wait = min(LONGEST, SHORTEST * 2 ** min(tries, 10))
    if isinstance(trouble, Throttled):
        wait = max(wait, timedelta(seconds=trouble.retry_after))
    return {"tries": tries + 1, "next_try_at": services.clock.now() + wait}


def take_each(
    step: Callable[[Moved], object], those: Iterable[Moved], log: FilteringBoundLogger
) -> list[Exception]:
    """Take the step for each: trouble with one keeps no other waiting. Returns the troubles. Raises Lost."""
    troubles: list[Exception] = []
    for each in those:
        try:
            step(each)
        except Lost:
            raise
        except Exception as trouble:
            known = isinstance(trouble, AzureError | UserError | Unreadable)
            if not isinstance(trouble, Resting):
                log.warning("step_failed", id=each.id, error=str(trouble), exc_info=not known)
            troubles.append(trouble)
    return troubles
