"""The SDK's types, named without its import, which would be a quarter of the time that the bot takes to start."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.rest import HttpRequest, HttpResponse
else:
    HttpRequest = HttpResponse = TokenCredential = Any

__all__ = ["Gate", "HttpRequest", "HttpResponse", "TokenCredential", "always"]

Gate = Callable[[], None]
"""Is asked right before anything is sent, and raises where it must not be sent now."""


def always() -> None:
    """Lets everything be sent."""
