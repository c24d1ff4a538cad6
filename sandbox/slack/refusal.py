"""How Slack says no: `{"ok": false, "error": …}`, mostly with status 200."""

from typing import Any

Json = dict[str, Any]


class Refused(Exception):
    """A refusal by its Slack error code; `fields` are added to the body, `headers` to the answer."""

    def __init__(
        self, error: str, *, status: int = 200, headers: dict[str, str] | None = None, **fields: Any
    ):
        super().__init__(error)
        self.error = error
        self.status = status
        self.headers = headers or {}
        self.fields = fields

    def body(self) -> Json:
        return {"ok": False, "error": self.error, **self.fields}


def invalid_arguments(*messages: str) -> Refused:
    return Refused(
        "invalid_arguments", response_metadata={"messages": [f"[ERROR] {message}" for message in messages]}
    )


def missing_field(name: str) -> Refused:
    return invalid_arguments(f"missing required field: {name}")
