"""How fast the sandbox's Azure is."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Pace:
    """Seconds. Real machines take minutes to start; a person who tries the sandbox should not wait so long."""

    node_start: float = 6.0
    idle_scale_down: float = 120.0
    preparing: float = 1.0
    finalizing: float = 0.5
    cancel: float = 1.0
    exporting: float = 3.0
    labeling: float | None = None  # for each picture that people label; None: only when they are told to
    event_retry: float = 10.0
    retry_after: int = 1
    token_lifetime: int = 3600
    terminate_grace: float = 5.0

    def faster(self, times: float) -> "Pace":
        """With all waiting that many times shorter: machines, services and people, not what is computed."""
        return replace(
            self,
            node_start=self.node_start / times,
            idle_scale_down=self.idle_scale_down / times,
            preparing=self.preparing / times,
            finalizing=self.finalizing / times,
            cancel=self.cancel / times,
            exporting=self.exporting / times,
            labeling=self.labeling / times if self.labeling else None,
        )
