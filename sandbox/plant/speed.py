"""Lets time run faster: the twins wait less. What is computed takes its time, and Spotter has its own clock."""

from sandbox.azure.twin import AzureTwin
from sandbox.devops.twin import DevOpsTwin
from sandbox.edge.edge import Edge

FASTER = 10


class Speed:
    """Belongs to the event loop of the twins. What waits already waits to its end."""

    def __init__(self, azure: AzureTwin, devops: DevOpsTwin, edge: Edge) -> None:
        self._azure, self._devops, self._edge = azure.workspace, devops.organisation, edge.hub
        self._usual = self._azure.pace, self._devops.pace, self._edge.pace
        self.times = 1

    def set(self, *, fast: bool) -> None:
        """All waiting is shorter from now on, or as long as usual again."""
        self.times = FASTER if fast else 1
        azure, devops, edge = self._usual
        self._azure.pace = azure.faster(self.times)
        self._devops.pace = devops.faster(self.times)
        self._edge.pace = edge.faster(self.times)
