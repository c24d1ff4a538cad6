"""Which Azure this is: the public cloud, or whatever `ARM_CLOUD_METADATA_URL` describes."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from infra.http.answers import NOT_JSON
from infra.http.errors import Unavailable, error_type
from infra.http.fields import mapping, text

METADATA_URL = "ARM_CLOUD_METADATA_URL"
CURRENT_CLOUD = "AZUREML_CURRENT_CLOUD"
WELL_KNOWN_LOGINS = frozenset(
    {"login.microsoftonline.com", "login.microsoftonline.us", "login.chinacloudapi.cn"}
)


@dataclass(frozen=True)
class Cloud:
    """Addresses of one Azure cloud, without trailing slashes."""

    resource_manager: str = "https://management.azure.com"
    login: str = "https://login.microsoftonline.com"
    machine_learning: str = "https://ml.azure.com"
    storage_suffix: str = "core.windows.net"

    @property
    def arm_scope(self) -> str:
        return f"{self.resource_manager}/.default"

    @property
    def machine_learning_scope(self) -> str:
        return f"{self.machine_learning}/.default"


def cloud_from_environment() -> Cloud:
    """The cloud that the environment names; the metadata address is asked once, here.

    Raises Unavailable when the metadata cannot be had.
    """
    url = os.environ.get(METADATA_URL)
    if not url:
        return Cloud()
    from azure.core import PipelineClient
    from azure.core import exceptions as core
    from azure.core.rest import HttpRequest, HttpResponse

    try:
        with PipelineClient[HttpRequest, HttpResponse](url, policies=[]) as client:
            response = client.send_request(HttpRequest("GET", url), connection_timeout=5, read_timeout=20)
        if response.status_code >= 400:
            raise error_type(response.status_code)(
                f"{url} answered {response.status_code}.", status=response.status_code
            )
        told = response.json()
    except (core.AzureError, OSError, *NOT_JSON) as fault:
        raise Unavailable(f"The cloud's addresses could not be read from {url}: {fault}") from fault
    return cloud_from_metadata(told, url)


def cloud_from_metadata(told: Any, url: str) -> Cloud:
    """The cloud that `AZUREML_CURRENT_CLOUD` names, else the one that serves `url` itself, else the first.

    `told` is one cloud or a list of clouds, as `/metadata/endpoints` gives them.
    """
    clouds: list[Mapping[str, Any]] = [
        mapping(entry) for entry in (told if isinstance(told, list) else [told])
    ]
    usable = [entry for entry in clouds if text(entry, "resourceManager")]
    if not usable:
        raise Unavailable(f"{url} names no resource manager.")
    named = [entry for entry in usable if text(entry, "name") == os.environ.get(CURRENT_CLOUD)]
    here = urlsplit(url).netloc
    nearby = [entry for entry in usable if urlsplit(text(entry, "resourceManager")).netloc == here]
    chosen = (named or nearby or usable)[0]
    # The audience of Azure ML tokens follows the portal's suffix, as Azure's own SDK derives it.
    suffix = ".".join(text(chosen, "portal").split(".")[2:]).replace("/", "")
    return Cloud(
        resource_manager=text(chosen, "resourceManager").rstrip("/"),
        login=text(chosen, "authentication", "loginEndpoint").rstrip("/") or Cloud.login,
        machine_learning=f"https://ml.azure.{suffix}",
        storage_suffix=text(chosen, "suffixes", "storage") or Cloud.storage_suffix,
    )
