"""One Azure ML workspace, as Spotter sees it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from infra.azureml import (
    coco_files,
    components,
    contents,
    evaluations,
    faults,
    jobs,
    labeling,
    models,
    preparations,
    progress,
    runs,
)
from infra.azureml.clusters import Cluster, Clusters, Node, Usage
from infra.azureml.coco_files import CocoFiles
from infra.azureml.components import Component
from infra.azureml.connection import Connection, WorkspaceId
from infra.azureml.contents import ExportContents
from infra.azureml.evaluations import Evaluation
from infra.azureml.exports import Export, Exports
from infra.azureml.faults import Fault
from infra.azureml.jobs import Job, Training
from infra.azureml.labeling import LabelExport, LabelingProject
from infra.azureml.models import Model, ModelVersion
from infra.azureml.preparations import Preparation
from infra.azureml.progress import Progress
from infra.azureml.runs import Run
from infra.azureml.storage import Storage
from infra.azureml.together import Together
from infra.http.connected import Connected
from infra.http.types import Gate, TokenCredential, always

LARGEST_PICTURE = 20 * 1024 * 1024


class Workspace(Connected[Connection]):
    """Every call may raise `errors.AzureError`, and every call may be made from any thread.

    A call takes at most some tens of seconds, retries included; nothing waits for Azure to finish its work.
    """

    @classmethod
    def connect(
        cls, workspace: WorkspaceId, credential: TokenCredential | None = None, gate: Gate = always
    ) -> "Workspace":
        """Reads cloud and identity from the environment at the first call, not before."""
        return cls(lambda: Connection.open(workspace, credential, gate))

    @cached_property
    def _exports(self) -> Exports:
        return Exports(self.connection)

    @cached_property
    def _storage(self) -> Storage:
        return Storage(self.connection)

    @cached_property
    def _coco_files(self) -> CocoFiles:
        return CocoFiles(self.connection, self._storage)

    @cached_property
    def _clusters(self) -> Clusters:
        return Clusters(self.connection)

    def exports(self, pattern: re.Pattern[str]) -> list[Export]:
        """Data assets whose whole name matches, latest version of each, newest first."""
        return self._exports.named(pattern)

    def exports_and_files(self, pattern: re.Pattern[str]) -> list[Export]:
        """As `exports`, and Data Labeling's COCO files that are in no such data asset."""
        files = self._coco_files.all(pattern)  # first: a file that becomes an asset meanwhile is one only
        assets = self.exports(pattern)
        return [*assets, *coco_files.beside(assets, files)]

    def export(self, name: str, version: str) -> Export:
        """Raises NotFound."""
        return self._exports.version(name, version)

    def read_export(self, export: Export) -> ExportContents:
        """Images and boxes, counted from the files themselves. Raises Unreadable with the reason, nothing else."""
        return contents.read(self._storage, export)

    def labeling_projects(self) -> list[LabelingProject] | None:
        """None where the workspace does not show them."""
        return labeling.projects(self.connection)

    def start_label_export(self, project: str) -> LabelExport:
        """Not create-once: each call makes an export. Raises Unclear where that is not known."""
        return labeling.start_export(self.connection, project)

    def label_export(self, operation: str) -> LabelExport:
        """How far an export is. Raises Refused where it failed, NotFound where Azure has forgotten it."""
        return labeling.look_at_export(self.connection, operation)

    def clusters(self) -> list[Cluster]:
        return self._clusters.all()

    def cluster(self, name: str) -> Cluster:
        """Raises NotFound."""
        return self._clusters.one(name)

    def nodes(self, cluster: str) -> Sequence[Node] | None:
        """None where the identity may not list them."""
        return self._clusters.nodes(cluster)

    def usage(self, location: str) -> Sequence[Usage] | None:
        """None where the identity may not read it."""
        return self._clusters.usage(location)

    def published(self, component: str) -> Component | None:
        """The newest version of the training pipeline, None where it was never published."""
        return components.latest(self.connection, component)

    def has_component(self, component: str, version: str) -> bool:
        """Whether this very version of the training pipeline is published."""
        return components.is_there(self.connection, component, version)

    def submit(self, training: Training) -> Job:
        """Makes the job once, however often it is called. Raises NameTaken, Unclear."""
        return jobs.submit(self.connection, training)

    def prepare(self, preparation: Preparation) -> Job:
        """Makes the job once, however often it is called. Raises NameTaken, Unclear."""
        return preparations.submit(self.connection, preparation)

    def training_jobs(self) -> Iterator[Job]:
        """All jobs that carry Spotter's tag, a page at a time."""
        return jobs.ours(self.connection)

    def job(self, name: str) -> Job:
        """Raises NotFound."""
        return jobs.one(self.connection, name)

    def cancel(self, name: str) -> None:
        """Asks for it and returns; the job's status follows."""
        jobs.cancel(self.connection, name)

    def progress(self, job_name: str, known: Progress | None = None) -> Progress:
        """Steps, trials and best figures so far; hand back the last one and only what can change is read."""
        return progress.look(self.connection, job_name, known)

    def together(self, known: Mapping[str, tuple[str, Progress]]) -> Together:
        """Steps, trials and figures of many trainings, by job name: its experiment, and what was known of it."""
        return Together(self.connection, known)

    def runs(self, run_ids: Iterable[str]) -> dict[str, Run]:
        """Runs by id with queueing information, warnings and errors; a job's own run has the job's name."""
        return runs.batch(self.connection, run_ids)

    def fault(self, job_name: str) -> Fault:
        """Why a job failed, from its deepest failed run upwards, with that run's last log lines."""
        return faults.find(self.connection, job_name)

    def models(self, known: Mapping[str, str]) -> list[Model]:
        """Models whose latest version differs from `known` (name to version)."""
        return models.changed(self.connection, known)

    def version(self, name: str, version: int) -> ModelVersion:
        """Raises NotFound."""
        return models.one(self.connection, name, version)

    def files_digest(self, uri: str) -> str:
        """A digest of a model version's files, which changes with any of them. Raises Unreadable."""
        return self._storage.digest(self._storage.locate(uri))

    def evaluation(self, job_name: str) -> Evaluation | None:
        """What a training measured of its model and of others, None while it has not. Raises NotMeasured."""
        return evaluations.read(self.connection, self._storage, job_name)

    def picture(self, uri: str) -> bytes:
        """A picture's file. Raises Unreadable."""
        return self._storage.read(self._storage.locate(uri), at_most=LARGEST_PICTURE)

    def versions(self, name: str) -> list[ModelVersion]:
        """All versions of a model, newest first; empty where there is none."""
        return models.versions(self.connection, name)
