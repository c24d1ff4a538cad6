"""How fast the sandbox's edge is."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Pace:
    """Seconds. `minute` is how long a minute of the hub's throttling limits lasts: ten times as much may be asked."""

    evaluation: float = 2.0
    """Until the hub has found the devices of a deployment and written their twins; up to minutes in Azure."""
    index: float = 1.5
    """How old the answers of queries may be."""
    metrics: float = 4.0
    """How old the figures of a deployment may be."""
    sync: float = 1.0
    """Between two looks of a device at what it should run and at what runs."""
    picture: float = 4.0
    backoff: float = 2.0
    """Before a module that ended is started again the first time; doubles with every end."""
    minute: float = 6.0

    def faster(self, times: float) -> "Pace":
        """With a hub and devices that look that many times more often. Cameras keep their pace: they compute."""
        return replace(
            self,
            evaluation=self.evaluation / times,
            index=self.index / times,
            metrics=self.metrics / times,
            sync=self.sync / times,
            backoff=self.backoff / times,
        )
