"""Answers as JSON, of a length that ends."""

from typing import Any

from infra.http.errors import Unavailable
from infra.http.types import HttpResponse

MOST_PAGES = 1000
"""Of one list: as many as nobody has, so that one without an end stops nobody for good."""
NOT_JSON = (ValueError, RecursionError)
"""What comes of reading as JSON what is none, or is nested without measure."""


def read(response: HttpResponse) -> Any:
    """Raises Unavailable for what is no JSON."""
    try:
        return response.json()
    except NOT_JSON as fault:
        raise Unavailable(
            f"{response.request.method} was answered with something that is not JSON.",
            status=response.status_code,
        ) from fault


def endless() -> Unavailable:
    return Unavailable(f"A list has more than {MOST_PAGES} pages, so it was not read to its end.")
