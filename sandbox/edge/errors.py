"""Refusals as IoT Hub words them: `{Message: "ErrorCode:<code>;<text>", ExceptionMessage}` and the code as a header."""

import uuid
from collections.abc import Mapping

from sandbox.azure.errors import ServiceError
from sandbox.azure.times import now


def iot_error(status: int, code: str, text: str, headers: Mapping[str, str] | None = None) -> ServiceError:
    stamp = f"Tracking ID:{uuid.uuid4().hex}-G:0-TimeStamp:{now():%m/%d/%Y %H:%M:%S}"
    body = {"Message": f"ErrorCode:{code};{text}", "ExceptionMessage": stamp}
    return ServiceError(status, body, {"iothub-errorcode": code, **(headers or {})})


def argument_invalid(text: str) -> ServiceError:
    return iot_error(400, "ArgumentInvalid", text)


def precondition_failed(text: str) -> ServiceError:
    return iot_error(412, "PreconditionFailed", text)
