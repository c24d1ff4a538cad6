"""One signed HTTP exchange with Azure: the identity of this process, short retries, typed failures."""

import os
from typing import Any

from azure.core import PipelineClient
from azure.core import exceptions as core
from azure.core.credentials import TokenCredential
from azure.core.pipeline import PipelineResponse
from azure.core.pipeline.policies import (
    HTTPPolicy,
    RequestIdPolicy,
    RetryPolicy,
    SansIOHTTPPolicy,
    UserAgentPolicy,
)
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest, HttpResponse

from infra.http.cloud import WELL_KNOWN_LOGINS, Cloud
from infra.http.errors import AzureError, Denied, Unavailable, retry_after
from infra.http.types import Gate
from infra.http.waits import seconds_asked

CONNECT_SECONDS = 5
READ_SECONDS = 20
LOOK_SECONDS = 8  # over a connection that is dead; what asks again is well again soon
LONGEST_NAP = 5.0
LONGEST_CALL = 45

Client = PipelineClient[HttpRequest, HttpResponse]
Policy = HTTPPolicy[HttpRequest, HttpResponse] | SansIOHTTPPolicy[HttpRequest, HttpResponse]


class _Gated(RequestsTransport):  # type: ignore[misc]  # azure-core shows the class to no type checker
    """Asks a gate right before anything is sent, each time that it is sent."""

    def __init__(self, gate: Gate, **options: Any) -> None:
        super().__init__(**options)
        self._gate = gate

    def send(self, request: Any, **options: Any) -> Any:
        self._gate()
        return super().send(request, **options)


def open_transport(gate: Gate) -> RequestsTransport:
    """Connections to be shared by all clients; its time-outs keep a poll from hanging. `gate` may refuse by raising."""
    transport = _Gated(gate, connection_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS)
    transport.open()
    return transport


def client(transport: RequestsTransport, *sign: Policy) -> Client:
    """A client with short retries, which signs with the policies it is given."""
    retry = _ShortRetry(
        retry_total=3,
        retry_connect=2,
        retry_read=1,
        retry_status=2,
        retry_backoff_factor=0.4,
        retry_backoff_max=3,
        timeout=LONGEST_CALL,
    )
    policies = [RequestIdPolicy(), UserAgentPolicy("spotter"), retry, *sign]
    return Client("", transport=transport, policies=policies)


def exchange(
    client: Client, request: HttpRequest, *, once: bool = False, reads: bool = False
) -> HttpResponse:
    """Azure's answer, of whatever status. Raises Unavailable or Denied where there is none.

    `once` is for what would be done twice if it were sent twice: by itself azure-core repeats even a POST. `reads` is
    for what changes nothing though it is no GET.
    """
    # a look is given up sooner than a change, whose outcome would be unknown
    options: dict[str, Any] = {
        "read_timeout": LOOK_SECONDS if reads or request.method == "GET" else READ_SECONDS
    }
    if once:
        options["retry_total"] = 0
    try:
        return client.send_request(request, **options)
    except core.ClientAuthenticationError as fault:
        raise sign_in_error(fault) from fault
    except core.HttpResponseError as fault:
        raise Unavailable(f"Azure broke off its answer: {fault.message}") from fault
    except (core.ServiceRequestTimeoutError, core.ServiceResponseTimeoutError) as fault:
        raise Unavailable("Azure did not answer in time.") from fault
    except (core.AzureError, OSError) as fault:
        raise Unavailable("Azure could not be reached.") from fault


def sign_in_error(fault: core.ClientAuthenticationError) -> AzureError:
    """Why there is no token."""
    status = fault.status_code or 0
    message = str(fault.message).strip()
    if status == 429 or status >= 500:
        return Unavailable(f"The sign-in service is not working: {message}", status=status)
    return Denied(f"Azure gave no token: {message}", status=status or 401)


def default_credential(cloud: Cloud) -> TokenCredential:
    """Whatever identity the environment offers."""
    from azure.identity import DefaultAzureCredential  # half a second, so not before it is needed

    authority = os.environ.get("AZURE_AUTHORITY_HOST", cloud.login)
    # A private sign-in host is unknown to the public one, which would be asked about it otherwise.
    private = not any(host in authority for host in WELL_KNOWN_LOGINS)
    credential: TokenCredential = DefaultAzureCredential(
        authority=authority, disable_instance_discovery=private
    )
    return credential


class _ShortRetry(RetryPolicy[HttpRequest, HttpResponse]):
    """Azure's own retries, but an answer that asks for a long wait goes back to the caller at once."""

    def is_retry(self, settings: dict[str, Any], response: PipelineResponse[Any, Any]) -> bool:
        if retry_after(response.http_response) > LONGEST_NAP:
            return False
        return super().is_retry(settings, response)

    def get_retry_after(self, response: PipelineResponse[Any, Any]) -> float | None:
        """azure-core's own fails at what is no number and no date, and would sleep for good."""
        return seconds_asked(response.http_response.headers)
