"""Access tokens as Entra mints them and as resource servers check them.

A token's audience is the scope it was asked for without `/.default`. They are signed with a secret of this process:
clients never verify them, the twins do.
"""

import secrets
import time
import uuid
from typing import Any

import jwt

from sandbox.azure.errors import arm_error

ARM_RESOURCES = ("https://management.azure.com", "https://management.core.windows.net")
ML_RESOURCE = "https://ml.azure.com"
STORAGE_RESOURCE = "https://storage.azure.com"
OTHER_RESOURCES = (
    "499b84ac-1321-427f-aa17-267ca6975798",  # Azure DevOps
    "https://iothubs.azure.net",
)


def audience_of(resource: str) -> str:
    return resource.removesuffix("/.default").rstrip("/")


class Tokens:
    def __init__(self, tenant: str, lifetime: int) -> None:
        self.tenant = tenant
        self.lifetime = lifetime
        self.known = {*ARM_RESOURCES, ML_RESOURCE, STORAGE_RESOURCE, *OTHER_RESOURCES}
        self._key = secrets.token_hex(32)
        self._not_before = 0.0
        self._read: dict[str, dict[str, Any]] = {}

    def mint(
        self, resource: str, principal: str, *, lifetime: int | None = None, **claims: Any
    ) -> tuple[str, int]:
        """A token for `resource` and its expiry (epoch seconds)."""
        issued = time.time()
        expires = int(issued) + (lifetime or self.lifetime)
        payload = {
            "aud": audience_of(resource),
            "iss": f"https://sts.windows.net/{self.tenant}/",
            "iat": issued,
            "nbf": int(issued),
            "exp": expires,
            "idtyp": "app",
            "oid": principal,
            "sub": principal,
            "tid": self.tenant,
            "uti": uuid.uuid4().hex[:22],
            "ver": "1.0",
            **claims,
        }
        return jwt.encode(payload, self._key, algorithm="HS256", headers={"kid": "sandbox"}), expires

    def revoke(self) -> None:
        """Every token minted so far counts as expired."""
        self._not_before = time.time()

    def check(self, authorization: str | None, audiences: set[str]) -> dict[str, Any]:
        """The claims of a bearer token, or the 401 that Azure answers."""
        if not authorization:
            raise self._refusal(
                "AuthenticationFailed", "The 'Authorization' header is missing.", "invalid_request"
            )
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise self._refusal("AuthenticationFailed", "The 'Authorization' header is not a bearer token.")
        try:
            claims = self._claims(token)
        except jwt.PyJWTError:
            raise self._refusal("InvalidAuthenticationToken", "The access token is invalid.") from None
        if claims["exp"] <= time.time() or claims["iat"] < self._not_before:
            raise self._refusal(
                "ExpiredAuthenticationToken", "The access token expiry UTC time is in the past."
            )
        if claims["aud"] not in audiences:
            message = (
                "The access token has been obtained for wrong audience or resource "
                f"'{claims['aud']}'. It should exactly match with one of the allowed audiences "
                + ",".join(f"'{audience}'" for audience in sorted(audiences))
                + "."
            )
            raise self._refusal("InvalidAuthenticationTokenAudience", message)
        return claims

    def _claims(self, token: str) -> dict[str, Any]:
        """Read once of a token that is shown again and again. Raises PyJWTError where it was not minted here."""
        if token not in self._read:
            options: Any = {"verify_aud": False, "verify_exp": False, "verify_iat": False}
            self._read[token] = jwt.decode(token, self._key, algorithms=["HS256"], options=options)
        return self._read[token]

    def _refusal(self, code: str, message: str, error: str = "invalid_token") -> Exception:
        challenge = (
            f'Bearer authorization_uri="https://login.windows.net/{self.tenant}", '
            f'error="{error}", error_description="{message}"'
        )
        return arm_error(401, code, f"Authentication failed. {message}", {"WWW-Authenticate": challenge})
