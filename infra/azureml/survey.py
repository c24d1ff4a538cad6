"""A workspace at a glance, for whoever sets one up: looks that change nothing and read little."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import jwt
from azure.core import exceptions as core

from infra.azureml.connection import WORKSPACE_API, Connection
from infra.azureml.exports import API as DATA_API
from infra.azureml.jobs import API as JOBS_API
from infra.azureml.jobs import REQUEST_TAG, Job, job_from
from infra.http.answers import read
from infra.http.errors import Unavailable
from infra.http.fields import mapping, moment, text
from infra.http.transport import sign_in_error

JOBS_SEEN = 60
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Caller:
    """Who Azure takes this process for; what a token does not tell is empty."""

    name: str
    object_id: str
    tenant: str


@dataclass(frozen=True)
class About:
    """`storage_account` is the resource id of the workspace's own; `answered_at` the Date header of Azure's answer."""

    region: str
    state: str
    storage_account: str
    answered_at: str


@dataclass(frozen=True)
class DataAsset:
    """`kind` is Azure's own word: mltable, uri_folder, uri_file."""

    name: str
    version: str
    kind: str
    made_at: datetime


def caller(connection: Connection) -> Caller:
    """Signs in, and reads the token's own words. Raises Denied, Unavailable."""
    try:
        token = connection.credential.get_token(connection.cloud.arm_scope).token
    except core.ClientAuthenticationError as fault:
        raise sign_in_error(fault) from fault
    except (core.AzureError, OSError) as fault:
        raise Unavailable(f"Azure could not be reached for a token: {fault}") from fault
    claims = _claims(token)
    name = text(claims, "upn") or text(claims, "unique_name") or text(claims, "appid")
    return Caller(name, text(claims, "oid"), text(claims, "tid"))


def about(connection: Connection) -> About:
    """Raises NotFound, Denied."""
    response = connection.send("GET", connection.arm(), params={"api-version": WORKSPACE_API})
    told = read(response)
    inner = mapping(told, "properties")
    return About(
        region=text(told, "location"),
        state=text(inner, "provisioningState"),
        storage_account=text(inner, "storageAccount"),
        answered_at=response.headers.get("Date", ""),
    )


def data_assets(connection: Connection) -> Iterator[DataAsset]:
    """The latest version of each, page by page as they are consumed."""
    for told in connection.pages(connection.arm("data"), api=DATA_API, listViewType="ActiveOnly"):
        inner = mapping(told, "properties")
        yield DataAsset(
            name=text(told, "name"),
            version=text(inner, "latestVersion"),
            kind=text(inner, "dataType").lower(),
            made_at=moment(told, "systemData", "createdAt") or _LONG_AGO,
        )


def jobs_by_tag(connection: Connection) -> tuple[list[Job], list[Job]]:
    """The same jobs twice, Azure's filter by Spotter's tag left out and used: what it lets through, and what it lacks.

    The first list is what the filter gives; the second what it should have given and did not. Looks at the first
    some dozen jobs only.
    """
    url = connection.arm("jobs")
    query = {"jobType": "Pipeline", "listViewType": "ActiveOnly"}
    unfiltered = [job_from(told) for told in _first(connection.pages(url, api=JOBS_API, **query))]
    filtered = [
        job_from(told) for told in _first(connection.pages(url, api=JOBS_API, **query, tag=REQUEST_TAG))
    ]
    names = {job.name for job in filtered}
    return filtered, [job for job in unfiltered if job.request_id and job.name not in names]


def _first(told: Iterator[Any]) -> Iterator[Any]:
    return islice(told, JOBS_SEEN)


def _claims(token: str) -> Any:
    """Not verified: that is for those who are shown the token."""
    try:
        return jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        return {}
