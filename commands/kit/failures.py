"""What the record of a failure says, as people read it."""

from collections.abc import Mapping
from typing import Any

from commands.kit.blocks import Message, section
from commands.kit.words import esc

LONGEST_LOG = 2800


def log_tail(failure: Mapping[str, Any] | None) -> Message | None:
    """The last lines of a failed run's log, for its thread; None where there are none."""
    lines = (failure or {}).get("log") or []
    if not lines:
        return None
    shown = "\n".join(esc(line) for line in lines)[-LONGEST_LOG:]
    where = esc((failure or {}).get("where") or "the run")
    return Message(f"Last log lines of {where}.", [section(f"Last log lines of {where}:\n```{shown}```")])
