"""How fast the sandbox's Azure DevOps is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """Seconds. `minute` is how long a minute of time-outs and retry intervals of checks and jobs lasts."""

    agent_start: float = 1.0
    minute: float = 60.0
    terminate_grace: float = 5.0
    delivery_retry: float = 5.0
