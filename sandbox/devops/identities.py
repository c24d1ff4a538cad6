"""Who may call: personal access tokens, Entra's tokens and the tokens of running jobs."""

import base64
import secrets
from dataclasses import dataclass
from typing import Any

from sandbox.azure.errors import ServiceError
from sandbox.azure.identity import BOT_PRINCIPAL
from sandbox.azure.tokens import Tokens
from sandbox.devops.errors import devops_error

DEVOPS_RESOURCE = "499b84ac-1321-427f-aa17-267ca6975798"
BUILD_NAMESPACE = "33344d9c-fc72-4d6f-aba5-fa317101a7e9"
QUEUE_BUILDS, STOP_BUILDS = 128, 512
"""Permission bits of the namespace."""


@dataclass(frozen=True)
class Identity:
    id: str
    name: str
    unique: str

    def ref(self) -> dict[str, Any]:
        return {
            "displayName": self.name,
            "id": self.id,
            "uniqueName": self.unique,
            "descriptor": f"aad.{self.id}",
        }


SPOTTER = Identity(BOT_PRINCIPAL, "Spotter", f"AAD\\{BOT_PRINCIPAL}")
ENGINEER = Identity("b7e5d1f4-3c2a-4d68-9f01-8a6b5c4d3e21", "Line engineer", "engineer@line.example")
APPROVER = Identity("2f9c8e71-64b0-4a35-8d1e-5b7a9c0d4f32", "Quality lead", "quality@line.example")
BUILD_SERVICE = Identity("6a1d0c3b-92e8-4f57-b640-7e8f9a0b1c43", "Build Service", "Build\\build-service")
PEOPLE = (SPOTTER, ENGINEER, APPROVER, BUILD_SERVICE)


class SignInRequiredError(Exception):
    """The caller is sent to the sign-in page, which is how an expired token shows."""


class NotAuthorizedError(Exception):
    """The caller is not known here; the message says how Azure DevOps words it."""


class Access:
    def __init__(self, tokens: Tokens | None) -> None:
        self._tokens = tokens
        self._expired: set[str] = set()
        self._jobs: set[str] = set()
        self._denied: set[tuple[Identity, int, str]] = set()
        self.pat = secrets.token_hex(26)

    def expire_pat(self) -> None:
        self._expired.add(self.pat)

    def renew_pat(self) -> str:
        """A new token for the bot; the one before stays expired, or expires now."""
        self.expire_pat()
        self.pat = secrets.token_hex(26)
        return self.pat

    def deny(self, bit: int, pipeline: int, to: Identity = SPOTTER) -> None:
        """Takes a permission on a pipeline away; everybody has all of them otherwise."""
        self._denied.add((to, bit, str(pipeline)))

    def may(self, caller: Identity, bits: int, pipeline: str) -> bool:
        """Whether none of the bits was taken away."""
        return not any((who, on) == (caller, pipeline) and bit & bits for who, bit, on in self._denied)

    def require(self, caller: Identity, bit: int, pipeline: int, what: str) -> None:
        if not self.may(caller, bit, str(pipeline)):
            message = (
                f"TF215106: Access denied. {caller.name} needs {what} permissions for pipeline {pipeline} to perform "
                "the action. For more information, contact the Azure DevOps Services administrator."
            )
            raise devops_error(403, "AccessDeniedException", message)

    def job_token(self) -> str:
        """What `$(System.AccessToken)` is for one job."""
        token = secrets.token_urlsafe(40)
        self._jobs.add(token)
        return token

    def end_job(self, token: str) -> None:
        self._jobs.discard(token)

    def caller(self, authorization: str | None) -> Identity:
        """Raises SignInRequiredError or NotAuthorizedError."""
        scheme, _, given = (authorization or "").partition(" ")
        if scheme.lower() == "basic":
            return self._by_password(given)
        if scheme.lower() == "bearer":
            return BUILD_SERVICE if given in self._jobs else self._by_entra(str(authorization))
        raise NotAuthorizedError("TF400813: The user '' is not authorized to access this resource.")

    def _by_password(self, given: str) -> Identity:
        try:
            password = base64.b64decode(given).decode().partition(":")[2]
        except ValueError:
            password = ""
        if password in self._expired:
            raise SignInRequiredError
        if password in self._jobs:
            return BUILD_SERVICE
        if not secrets.compare_digest(password.encode(), self.pat.encode()):
            raise NotAuthorizedError("TF400813: The user '' is not authorized to access this resource.")
        return SPOTTER

    def _by_entra(self, authorization: str) -> Identity:
        if self._tokens is None:
            raise NotAuthorizedError("TF400813: The user '' is not authorized to access this resource.")
        try:
            claims = self._tokens.check(authorization, {DEVOPS_RESOURCE})
        except ServiceError:  # also one of a wrong audience
            raise SignInRequiredError from None
        if claims["oid"] != SPOTTER.id:
            message = f"TF400813: The user '{claims['oid']}' is not authorized to access this resource."
            raise NotAuthorizedError(message)
        return SPOTTER
