"""How fast the sandbox's Azure DevOps is."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Pace:
    """Seconds. `minute` is how long a minute of time-outs and retry intervals of checks and jobs lasts."""

    agent_start: float = 1.0
    minute: float = 60.0
    terminate_grace: float = 5.0
    delivery_retry: float = 5.0

    def faster(self, times: float) -> "Pace":
        """With agents that start that many times sooner. Time-outs stay: work takes as long as it takes."""
        return replace(self, agent_start=self.agent_start / times)
