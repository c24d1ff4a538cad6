"""Structured logs, one JSON object a line on stderr, with secrets struck out."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

# structlog loads rich where it can, for consoles that a bot does not have: a tenth of the time to start
rich: Any = sys.modules.setdefault("rich", None)  # type: ignore[arg-type]  # None is how Python is told to find none
import structlog  # noqa: E402  what stands above must come first

from infra.http.safety import without_secrets  # noqa: E402

if rich is None:
    del sys.modules["rich"]


def configure(level: str = "INFO") -> None:
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                strike_secrets,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    handler.addFilter(_slack_trouble_is_a_warning)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in ("azure", "slack_bolt", "slack_sdk", "aiohttp.access", "urllib3", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _slack_trouble_is_a_warning(record: logging.LogRecord) -> bool:
    """slack_sdk calls every lost answer and connection an error, with a stack; whoever asked deals with it."""
    if record.name.startswith("slack_sdk") and record.levelno > logging.WARNING:
        record.levelno, record.levelname, record.exc_info = logging.WARNING, "WARNING", None
    return True


def strike_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace what looks like a token, and this process's own secrets, in every value."""
    for key, value in event.items():
        event[key] = _struck(value)
    return event


def _struck(value: Any) -> Any:
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, dict):
        return {key: _struck(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_struck(inner) for inner in value]
    return value
