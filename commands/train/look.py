"""What one pass over the open trainings asks of Azure, once for all of them."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any

from commands.kit.once import Once
from commands.kit.services import Services
from commands.train.kept import kept, known, progress_of
from infra.azureml.errors import AzureError
from infra.azureml.jobs import NOT_STARTED, TERMINAL, Job
from infra.azureml.runs import Run
from infra.azureml.together import Together
from storage import catalog
from storage.catalog import ClusterRow
from storage.runs import TrainingRun

WALKED = 30  # trainings whose steps and trials are read one by one in one pass, at most


class Look:
    """Handed from training to training. Clusters are asked about once each, and what is below trainings together.

    Where Azure does not tell that, runs are read some dozens in one call, and only where one of those has changed is
    the tree below its training walked again."""

    def __init__(self, services: Services, followed: Sequence[TrainingRun]) -> None:
        azure = services.azure
        self._services = services
        self._runs: dict[str, Run | None] = {}
        self._trouble: AzureError | None = None
        self._together: Together | None = None
        self._walked: frozenset[str] = frozenset()
        self._holders: dict[str, TrainingRun] = {}
        self.published = Once(azure.published)
        self.cluster = Once(azure.cluster)
        self.nodes = Once(azure.nodes)
        self.usage = Once(azure.usage)
        for run in followed:
            self.note(run)

    def note(self, run: TrainingRun) -> None:
        """Know its steps and trials, by which nodes say who holds them."""
        self._holders |= {part["run_id"]: run for part in _parts(run)}

    def holder(self, run_id: str) -> TrainingRun | None:
        """The training, of those that Spotter follows, of which this run is a step or trial."""
        return self._holders.get(run_id)

    @cached_property
    def clusters(self) -> list[ClusterRow]:
        """Those that Spotter knows."""
        with self._services.store.read() as tx:
            return catalog.list_clusters(tx)

    def begin(self, under_way: Sequence[tuple[TrainingRun, Job]]) -> None:
        """Read how these trainings stand now."""
        try:
            self._together = self._services.azure.together(
                {run.id: (run.experiment, known(run)) for run, _ in under_way}
            )
            alone = [(run, job) for run, job in under_way if not self._together.is_told(run.id)]
            wanted = {part for run, _ in alone for part in (*_watched(run), _waits(run) or run.id)}
            self._runs = dict.fromkeys(wanted) | self._services.azure.runs(sorted(wanted))
        except AzureError as trouble:
            self._trouble = trouble
            return
        self._walked = frozenset(self._to_walk(alone))

    def progress(self, run: TrainingRun, job: Job) -> dict[str, Any] | None:
        """Steps, trials and figures of a training. Raises AzureError where Azure has not told how they are."""
        if self._trouble:
            raise self._trouble
        if self._together and self._together.is_told(run.id):
            return kept(self._together.progress(run.id), self._services)
        if run.id not in self._walked:
            return run.progress
        now = self._services.clock.now().isoformat()
        return {**progress_of(run, self._services), "status": job.status, "looked_at": now}

    def run(self, run_id: str) -> Run | None:
        """How a run is now, with why it waits."""
        if self._together and (told := self._together.run(run_id)):
            return told
        if run_id not in self._runs:
            self._runs[run_id] = self._services.azure.runs([run_id]).get(run_id)
        return self._runs[run_id]

    def _to_walk(self, under_way: Sequence[tuple[TrainingRun, Job]]) -> Iterator[str]:
        """Those where something has changed, then those at work, whose figures grow; of those that only wait the next
        one in turn, for what a list might not tell."""
        changed = {run.id for run, job in under_way if self._has_changed(run, job)}
        turns = [((run.progress or {}).get("looked_at", ""), run) for run, _ in under_way]
        by_turn = [run for _, run in sorted(turns, key=itemgetter(0))]
        busy = [run.id for run in by_turn if run.id in changed or not _waits(run)]
        yield from sorted(busy, key=lambda name: name not in changed)[:WALKED]
        yield from [run.id for run in by_turn if run.id not in changed and _waits(run)][:1]

    def _has_changed(self, run: TrainingRun, job: Job) -> bool:
        """Since it was walked last; also where it was walked never, or none of what was found then is open still."""
        known, parts = run.progress or {}, _watched(run)
        if job.status != known.get("status") or not (parts or job.status in NOT_STARTED):
            return True
        return parts != {part: now.status for part in parts if (now := self._runs[part])}


def _parts(run: TrainingRun) -> list[dict[str, Any]]:
    progress = run.progress or {}
    return [*progress.get("steps", ()), *progress.get("trials", ())]


def _watched(run: TrainingRun) -> dict[str, str]:
    """Steps and trials that had begun and not ended when they were looked at last, or are next, with their status then;
    others begin only when one of these moves on."""
    parts = {part["run_id"]: part["status"] for part in _parts(run)}
    idle = (*TERMINAL, "NotStarted")
    return {part: status for part, status in parts.items() if status not in idle or part == _waits(run)}


def _waits(run: TrainingRun) -> str:
    """The step or trial whose waiting holds the training up, empty where none does."""
    return (run.progress or {}).get("waits") or ""
