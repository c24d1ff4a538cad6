"""What can go wrong when a service is asked something, sorted by what the caller may do about it."""

from typing import Any

from infra.http.safety import without_secrets
from infra.http.types import HttpResponse
from infra.http.waits import seconds_asked

SHORTEST_NAP = 1.0


class AzureError(Exception):
    """Azure's answer, or the lack of one, without any secret that it repeats.

    `status` is the HTTP status, 0 where no answer came. `code` is Azure's outermost error code,
    `inner_codes` the more precise ones below it, outermost first.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        code: str = "",
        inner_codes: tuple[str, ...] = (),
        request_id: str = "",
    ) -> None:
        self.message = without_secrets(message)
        super().__init__(self.message)
        self.status = status
        self.code = code
        self.inner_codes = inner_codes
        self.request_id = request_id

    @property
    def codes(self) -> tuple[str, ...]:
        return (self.code, *self.inner_codes) if self.code else self.inner_codes


class NotFound(AzureError):
    """What was asked for is not there, or may not be seen by this identity."""


class Refused(AzureError):
    """Azure understood and said no; the same request will be refused again until a person changes something."""


class Denied(AzureError):
    """No valid sign-in, or a role is missing."""


class Throttled(AzureError):
    """Too many requests; `retry_after` is in seconds."""

    def __init__(self, message: str, *, retry_after: float = SHORTEST_NAP, **about: Any) -> None:
        super().__init__(message, **about)
        self.retry_after = retry_after


class Unavailable(AzureError):
    """Azure, or the way to it, is not working now; asking again later is safe."""


class Unclear(AzureError):
    """A change was sent and its outcome is unknown: look before sending it again."""


def error_type(status: int) -> type[AzureError]:
    """What an HTTP status of 400 or above means."""
    known = {401: Denied, 403: Denied, 404: NotFound, 408: Unavailable, 429: Throttled}
    return known.get(status, Unavailable if status >= 500 else Refused)


def retry_after(response: HttpResponse) -> float:
    """How long to leave Azure alone, in seconds: never longer than LONGEST_REST."""
    asked = seconds_asked(response.headers)
    return SHORTEST_NAP if asked is None else asked
