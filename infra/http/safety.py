"""What a request's address and its answer say about its signature."""

from urllib.parse import urlsplit

from infra.http.types import HttpResponse

THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


def travels_in_the_open(url: str) -> bool:
    """Whether others could read what is sent to this address."""
    address = urlsplit(url)
    return address.scheme != "https" and address.hostname not in THIS_MACHINE


def is_unauthorized(response: HttpResponse) -> bool:
    return response.status_code == 401
