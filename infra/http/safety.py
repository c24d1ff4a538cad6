"""What must not leak, and what must not be trusted, in addresses, answers and words about them."""

import os
import re
from urllib.parse import urlsplit

from infra.http.types import HttpResponse

THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
SHORTEST_SECRET = 8
STRUCK = "[secret]"
_SHAPED = re.compile(
    r"xox[a-z]-[\w-]+|xapp-[\w-]+|(?:Bearer|Basic)\s+[\w.~+/=-]{8,}|eyJ[\w-]+\.[\w-]+\.[\w-]*"
    r"|(?<=sig=)[\w%+/=-]+|(?<=ticket=)[\w-]+|(?<=Key=)[\w+/]{20,}=*|(?<=hooks\.slack\.com/)[\w/-]+"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)",
    re.IGNORECASE,
)
_SECRET_NAME = re.compile(r"(?:SECRET|TOKEN|PASSWORD|_PAT|_KEY|IDENTITY_HEADER)$")


def without_secrets(text: str) -> str:
    """Text without what looks like a token, and without the values of this process's own secrets, whatever they look
    like: services put what they were sent into their answers."""
    for secret in _own_secrets():
        text = text.replace(secret, STRUCK)
    return _SHAPED.sub(STRUCK, text)


def _own_secrets() -> list[str]:
    """The longest first, as one may be part of another."""
    found = {value for name, value in os.environ.items() if _SECRET_NAME.search(name)}
    return sorted((value for value in found if len(value) >= SHORTEST_SECRET), key=len, reverse=True)


def travels_in_the_open(url: str) -> bool:
    """Whether others could read what is sent to this address."""
    address = urlsplit(url)
    return address.scheme != "https" and address.hostname not in THIS_MACHINE


def is_same_host(one: str, other: str) -> bool:
    """Whether two addresses are of one host; an address that is none is of no host."""
    try:
        return urlsplit(one).netloc.lower() == urlsplit(other).netloc.lower()
    except ValueError:
        return False


def is_address(text: str) -> bool:
    """Whether this is an address to which a sign-in may be sent. Addresses are told by services, and remembered."""
    try:
        return bool(urlsplit(text).hostname) and not travels_in_the_open(text)
    except ValueError:
        return False


def is_unauthorized(response: HttpResponse) -> bool:
    return response.status_code == 401
