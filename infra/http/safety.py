"""What must not leak, and what must not be trusted, in addresses, answers and words about them."""

import json
import os
import re
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import parse_qs, quote, quote_plus, unquote, urlsplit

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
    like, and also as JSON and URLs escape them: services put what they were sent into their answers."""
    for secret in _however_written(_own_secrets()):
        text = text.replace(secret, STRUCK)
    return _SHAPED.sub(STRUCK, text)


def _own_secrets() -> frozenset[str]:
    found: set[str] = set()
    for name, value in os.environ.items():
        if _SECRET_NAME.search(name):
            found.add(value)
        elif "://" in value:
            found.update(_passwords(value))
    return frozenset(value for value in found if len(value) >= SHORTEST_SECRET)


def _passwords(url: str) -> list[str]:
    """Those in an address, such as a database's."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return []
    return [unquote(parts.password or ""), *parse_qs(parts.query).get("password", [])]


@lru_cache(maxsize=8)
def _however_written(secrets: frozenset[str]) -> list[str]:
    """Bare, escaped, and escaped in what was escaped; the longest first, as one may be part of another."""
    once = {escape(secret) for secret in secrets for escape in _ESCAPES}
    twice = {escape(secret) for secret in once for escape in _ESCAPES}
    return sorted(secrets | once | twice, key=len, reverse=True)


def _in_json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _in_json_of_dotnet(text: str) -> str:
    """As much of Azure writes it."""
    told = (f"\\u{ord(char):04X}" if char in "\"&'+<>`" else _in_json(char) for char in text)
    return "".join(each if len(each) < 6 else each.upper().replace(r"\U", r"\u") for each in told)


def _in_url(text: str) -> str:
    return quote(text, safe="", errors="replace")


_ESCAPES: tuple[Callable[[str], str], ...] = (
    _in_json,
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    lambda text: _in_json(text).replace("/", r"\/"),
    _in_json_of_dotnet,
    lambda text: repr(text)[1:-1],
    _in_url,
    lambda text: quote(text, errors="replace"),
    lambda text: quote_plus(text, errors="replace"),
    lambda text: re.sub("%..", lambda found: found[0].lower(), _in_url(text)),
)


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
