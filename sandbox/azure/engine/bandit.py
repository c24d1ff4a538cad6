"""The Bandit policy: at each interval, stop a trial that lies too far behind the best one at the same interval."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Bandit:
    """`slack_factor` is a ratio, `slack_amount` a difference; an interval is one logging of the primary metric."""

    evaluation_interval: int = 1
    delay_evaluation: int = 0
    slack_factor: float = 0.0
    slack_amount: float = 0.0
    _bests: dict[str, list[float]] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: dict[str, Any] | None) -> "Bandit | None":
        if not settings or str(settings.get("type", "bandit")).lower() != "bandit":
            return None
        return cls(
            max(1, int(settings.get("evaluation_interval") or 1)),
            int(settings.get("delay_evaluation") or 0),
            float(settings.get("slack_factor") or 0.0),
            float(settings.get("slack_amount") or 0.0),
        )

    def stops(self, trial: str, value: float) -> bool:
        """Takes the trial's next value (larger is better) and says whether the trial must end."""
        bests = self._bests.setdefault(trial, [])
        bests.append(max(value, bests[-1]) if bests else value)
        interval = len(bests)
        if interval < max(self.delay_evaluation, 1) or interval % self.evaluation_interval:
            return False
        leader = max(other[interval - 1] for other in self._bests.values() if len(other) >= interval)
        if self.slack_factor:
            return bests[-1] < leader / (1 + self.slack_factor)
        return self.slack_amount > 0 and bests[-1] < leader - self.slack_amount
