"""Requests signed with the tokens of one identity, which signs in anew when a token is refused."""

import threading
import time
from collections.abc import Callable

from azure.core import exceptions as core
from azure.core.credentials import TokenCredential
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import BearerTokenCredentialPolicy, SansIOHTTPPolicy
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest, HttpResponse

from infra.http.errors import Unavailable
from infra.http.safety import is_unauthorized, travels_in_the_open
from infra.http.transport import Client, client, exchange, sign_in_error

RENEWED_AT_MOST_EVERY = 60.0


class SignedRequests:
    """Safe to use from many threads."""

    def __init__(self, transport: RequestsTransport, sign_in: Callable[[], TokenCredential]) -> None:
        self._transport = transport
        self._sign_in = sign_in
        self._renewed_at = -RENEWED_AT_MOST_EVERY
        self._renewing = threading.Lock()
        self.credential = sign_in()
        self._clients: dict[str, Client] = {}

    def send(
        self,
        request: HttpRequest,
        scope: str,
        *,
        refused: Callable[[HttpResponse], bool] = is_unauthorized,
        once: bool = False,
        reads: bool = False,
    ) -> HttpResponse:
        """The answer, of whatever status. `refused` tells one that a new token may change. Raises as `exchange`."""
        used = self._client(scope)
        response = exchange(used, request, once=once, reads=reads)
        if refused(response) and self._renew(scope, used):
            response = exchange(self._client(scope), request, once=once, reads=reads)
        return response

    def token(self, scope: str) -> str:
        """A token to hand on. Raises as `exchange`."""
        try:
            return self.credential.get_token(scope).token
        except core.ClientAuthenticationError as fault:
            raise sign_in_error(fault) from fault
        except (core.AzureError, OSError) as fault:
            raise Unavailable(f"Azure could not be reached for a token: {fault}") from fault

    def _client(self, scope: str) -> Client:
        with self._renewing:
            if scope not in self._clients:
                sign = BearerTokenCredentialPolicy[HttpRequest, HttpResponse](self.credential, scope)
                self._clients[scope] = client(self._transport, _OpenOnThisMachine(), sign)
            return self._clients[scope]

    def _renew(self, scope: str, refused: Client) -> bool:
        """Signs in anew, for credentials keep a token until its time is over, even one that Azure has revoked."""
        with self._renewing:
            if self._clients.get(scope) is not refused:
                return True
            if time.monotonic() - self._renewed_at < RENEWED_AT_MOST_EVERY:
                return False
            self._renewed_at = time.monotonic()
            self.credential = self._sign_in()
            self._clients = {}
            return True


class _OpenOnThisMachine(SansIOHTTPPolicy[HttpRequest, HttpResponse]):
    """azure-core signs nothing but https; plain http within this machine is as good."""

    def on_request(self, request: PipelineRequest[HttpRequest]) -> None:
        if not travels_in_the_open(request.http_request.url):
            request.context["enforce_https"] = False
