"""Requests to Azure with the identity of a step's service connection."""

import os
import sys
from typing import Any, NoReturn

import requests

ARM_SCOPE = "https://management.azure.com"
SECONDS = 60


def failed(sentence: str) -> NoReturn:
    sys.exit(f"ERROR: {sentence}")


def token(resource: str) -> str:
    """Ends the command where the step has no service connection."""
    if "IDENTITY_ENDPOINT" not in os.environ:
        failed("Please run 'az login' to setup account.")
    answer = requests.get(
        os.environ["IDENTITY_ENDPOINT"],
        params={"resource": resource, "api-version": "2019-08-01"},
        headers={"X-IDENTITY-HEADER": os.environ["IDENTITY_HEADER"]},
        timeout=SECONDS,
    )
    if answer.status_code != 200:
        failed(f"{answer.json().get('error_description', answer.text)}")
    return str(answer.json()["access_token"])


def call(method: str, url: str, resource: str, **options: Any) -> requests.Response:
    """The answer, of whatever status."""
    headers = {"Authorization": f"Bearer {token(resource)}", **options.pop("headers", {})}
    return requests.request(method, url, headers=headers, timeout=SECONDS, **options)


def resource_manager() -> str:
    """Of the cloud that the environment describes."""
    clouds = requests.get(os.environ["ARM_CLOUD_METADATA_URL"], timeout=SECONDS).json()
    found = clouds if isinstance(clouds, list) else [clouds]
    return str(next(cloud["resourceManager"] for cloud in found if cloud.get("resourceManager"))).rstrip("/")
