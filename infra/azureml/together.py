"""Many trainings at one moment, in a few calls however many they are: run history finds what is below several jobs at
once, and MLflow tells what all that run have measured last.
"""

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from infra.azureml import measures, progress, runs
from infra.azureml.connection import Connection
from infra.azureml.errors import AzureError, Throttled
from infra.azureml.jobs import NOT_STARTED, TERMINAL
from infra.azureml.measures import Measured, Measures
from infra.azureml.progress import Progress
from infra.azureml.runs import Run, Tree
from infra.http.fields import text

log = logging.getLogger(__name__)
READ = 10
"""Trials whose whole history is read in one look, at most."""


class Together:
    """What was told of some trainings, by the experiment of each. Where a workspace does not let itself be asked so
    nothing `is_told`; raises Throttled where it is asked too much."""

    def __init__(self, connection: Connection, known: Mapping[str, tuple[str, Progress]]) -> None:
        self._connection = connection
        self._known = {job: before for job, (_, before) in known.items()}
        self._below: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        self._runs: dict[str, Mapping[str, Any]] = {}
        jobs: dict[str, list[str]] = defaultdict(list)
        for job, (experiment, _) in known.items():
            jobs[experiment].append(job)
        for experiment, names in jobs.items():
            self._find(experiment, names)
        for run in self._runs.values():
            self._below[text(run, "parentRunId")].append(run)
        self._tree = cache(self._tree_of)
        self._measures = self._prepared()

    def is_told(self, job: str) -> bool:
        """False where history has not told (all) that is below: too new a job, or trials that are kept elsewhere."""
        if job not in self._runs:
            return False
        tree = self._tree(job)
        return not (tree.train and tree.train.status == "Running") or bool(tree.sweep or tree.trials)

    def run(self, run_id: str) -> Run | None:
        """How a run is now, with why it waits; None where that was not told."""
        return runs.run_from(self._runs[run_id]) if run_id in self._runs else None

    def progress(self, job: str) -> Progress:
        """Where a training stands that `is_told`."""
        return progress.progress_from(self._tree(job), self._known[job], self._measures)

    def _find(self, experiment: str, jobs: list[str]) -> None:
        try:
            self._runs |= {
                text(run, "runId"): run for run in runs.of_jobs(self._connection, experiment, jobs)
            }
        except Throttled:
            raise
        except AzureError as trouble:
            log.info("Runs of %s are not told together: %s", experiment, trouble)

    def _tree_of(self, job: str) -> Tree:
        return runs.tree_of(lambda run_id: self._below.get(run_id, ()), job, self._known[job].sweep_id)

    def _prepared(self) -> Measures:
        """Ready to tell: with the last figures of all that run, and with whose histories have to be read."""
        at_work = list(self._at_work())
        empty = {trial.run_id for known in self._known.values() for trial in known.trials if trial.is_empty}
        if not at_work:
            return Measures(self._connection)
        experiments = {text(self._runs[run.id], "experimentId") for run, _ in at_work}
        try:
            latest = measures.latest(self._connection, experiments - {""})
        except Throttled:
            raise
        except AzureError as trouble:
            log.info("Figures are not told together: %s", trouble)
            latest = None
        told = Measures(self._connection, latest)

        def urgency(trial: tuple[Run, Measured]) -> tuple[bool, bool, bool, int, int]:
            """Those that have ended, then those never read, then those that are furthest behind; last those that
            had nothing to tell at their end, so that they never keep others waiting."""
            run, before = trial
            missed = told.epochs_missed(run.id, before)
            has_ended = run.status in TERMINAL
            return run.id in empty, not has_ended, before.last is not None, -missed, before.epochs

        to_read = [
            (run, before)
            for run, before in at_work
            if run.status in TERMINAL or not told.followed(run.id, before)
        ]
        first = sorted(to_read, key=urgency)[:READ]
        return Measures(self._connection, latest, {run.id for run, _ in first})

    def _at_work(self) -> Iterator[tuple[Run, Measured]]:
        """Trials that may have measured something since they were looked at last."""
        for job, known in self._known.items():
            if not self.is_told(job):
                continue
            before = {trial.run_id: trial for trial in known.trials}
            for run in self._tree(job).trials:
                trial = before.get(run.id)
                if run.status not in NOT_STARTED and not (trial and trial.is_final):
                    yield run, trial.measured if trial else Measured()
