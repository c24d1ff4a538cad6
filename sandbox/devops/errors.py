"""Refusals as Azure DevOps words them: `{message, typeName, typeKey, errorCode, eventId}`."""

from collections.abc import Mapping
from typing import Any

from sandbox.azure.errors import ServiceError


def devops_error(
    status: int,
    key: str,
    message: str,
    *,
    properties: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> ServiceError:
    """`key` is the name of the exception; `properties` become `customProperties`."""
    body: dict[str, Any] = {
        "$id": "1",
        "innerException": None,
        "message": message,
        "typeName": f"Microsoft.VisualStudio.Services.WebApi.{key}, Microsoft.VisualStudio.Services.WebApi",
        "typeKey": key,
        "errorCode": 0,
        "eventId": 3000,
    }
    if properties:
        body["customProperties"] = dict(properties)
    return ServiceError(status, body, headers)


def not_found(key: str, message: str) -> ServiceError:
    return devops_error(404, key, message)


def invalid(message: str) -> ServiceError:
    return devops_error(400, "InvalidRequestContentException", message)


def pipeline_invalid(message: str) -> ServiceError:
    return devops_error(400, "PipelineValidationException", message)


def build_invalid(*messages: str) -> ServiceError:
    """Details are where clients have to look for them: in `customProperties.ValidationResults`."""
    return devops_error(
        400,
        "BuildRequestValidationFailedException",
        "Could not queue the build because there were validation errors or warnings.",
        properties={"ValidationResults": [{"result": "error", "message": text} for text in messages]},
    )
