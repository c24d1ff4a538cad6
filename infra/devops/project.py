"""One Azure DevOps project, as Spotter sees it."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from infra.devops import approvals, faults, pipelines, repositories, resources, runs, stages
from infra.devops.approvals import Approval
from infra.devops.connection import Connection, Place
from infra.devops.faults import RunFault
from infra.devops.pipelines import Parameter, Pipeline
from infra.devops.repositories import Branch, Commit, Repository
from infra.devops.resources import Endpoint, Environment, ResourceKind, WorkspaceEndpoint
from infra.devops.runs import Run
from infra.devops.stages import Stage
from infra.http.connected import Connected
from infra.http.types import Gate, always


class Project(Connected[Connection]):
    """Every call may raise `infra.http.errors.AzureError`, and every call may be made from any thread.

    A call takes at most some tens of seconds, retries included; nothing waits for a run to get on.
    """

    @classmethod
    def connect(cls, place: Place, gate: Gate = always) -> "Project":
        """Reads token or identity from the environment at the first call, not before."""
        return cls(lambda: Connection.open(place, gate))

    def pipeline(self, name: str) -> Pipeline:
        """By name, or folder and name with backslashes. Raises NotFound, Refused where several have the name."""
        return pipelines.named(self.connection, name)

    def parameters(self, pipeline: Pipeline, branch: str) -> tuple[Parameter, ...] | None:
        """What its file declares on a branch. None where the file is outside Azure Repos. Raises NotFound, Refused."""
        return pipelines.parameters(self.connection, pipeline, branch)

    def create_pipeline(self, name: str, repository_id: str, yaml_path: str) -> Pipeline:
        """Made where none outside of folders has the name; one that is there is handed back as it is."""
        return pipelines.create(self.connection, name, repository_id, yaml_path)

    def repoint_pipeline(self, pipeline: Pipeline, yaml_path: str) -> None:
        """Makes it run another file of its repository."""
        pipelines.repoint(self.connection, pipeline, yaml_path)

    def file(self, repository_id: str, path: str, branch: str) -> str:
        """The text of a file. Raises NotFound."""
        return repositories.file(self.connection, repository_id, path, branch)

    def repository(self, name: str) -> Repository:
        """By name or id, with its default branch. Raises NotFound."""
        return repositories.repository(self.connection, name)

    def branches(self, repository_id: str, containing: str = "") -> list[Branch]:
        """By name; `containing` narrows them down."""
        return repositories.branches(self.connection, repository_id, containing)

    def last_commit(self, repository_id: str, branch: str) -> Commit:
        """Raises NotFound where there is no such branch, Refused where the name cannot be one."""
        return repositories.last_commit(self.connection, repository_id, branch)

    def queue(
        self, pipeline: Pipeline, branch: str, parameters: Mapping[str, object], correlation_id: str
    ) -> Run:
        """Starts a run, sending the request once. Raises Unclear (then `find` it), runs.ParametersDropped, Refused."""
        return runs.queue(self.connection, pipeline, branch, parameters, correlation_id)

    def find(self, pipeline: Pipeline, correlation_id: str, since: datetime) -> Run | None:
        """The run that was queued with this correlation id after `since`; None only where there surely is none."""
        return runs.find(self.connection, pipeline, correlation_id, since)

    def runs(self, pipeline: Pipeline, since: datetime) -> list[Run]:
        """Runs queued after `since`, newest first, at most a hundred, in one call."""
        return runs.recent(self.connection, pipeline, since)

    def run(self, run_id: int) -> Run:
        """Raises NotFound."""
        return runs.one(self.connection, run_id)

    def runs_by_id(self, run_ids: Iterable[int]) -> dict[int, Run]:
        """As many as there are of them, up to a hundred in one call."""
        return runs.by_id(self.connection, run_ids)

    def with_parameters(self, run: Run) -> Run:
        """The run with its parameters, where a list did not tell them."""
        return runs.with_parameters(self.connection, run)

    def cancel(self, run_id: int) -> None:
        """Asks for it and returns; the run's status follows."""
        runs.cancel(self.connection, run_id)

    def stages(self, run_id: int) -> tuple[Stage, ...]:
        """Stages with their jobs and what they wait for; empty for a run that has not got that far."""
        return stages.of_run(self.connection, run_id)

    def fault(self, run: Run) -> RunFault:
        """Why a run failed, from its deepest failed record up, with the end of that record's log."""
        return faults.find(self.connection, run)

    def pending_approvals(self) -> list[Approval]:
        """All of the project; a stage's hold of kind `approval` has the approval's id."""
        return approvals.pending(self.connection)

    def environments(self) -> list[Environment]:
        return resources.environments(self.connection)

    def ensure_environment(self, name: str, description: str = "") -> Environment:
        """Made where it is not there."""
        return resources.ensure_environment(self.connection, name, description)

    def endpoint(self, name: str) -> Endpoint | None:
        """A service connection by name."""
        return resources.endpoint(self.connection, name)

    def ensure_endpoint(self, wanted: WorkspaceEndpoint) -> Endpoint:
        """Made where none has the name; one that is there is handed back as it is."""
        return resources.ensure_endpoint(self.connection, wanted)

    def update_endpoint(self, there: Endpoint, wanted: WorkspaceEndpoint) -> None:
        """Makes one that is there lead where it is wanted to."""
        resources.update_endpoint(self.connection, there, wanted)

    def is_permitted(self, kind: ResourceKind, resource_id: str | int, pipeline_id: int) -> bool:
        """Whether the pipeline may use the resource."""
        return resources.is_permitted(self.connection, kind, resource_id, pipeline_id)

    def ensure_permitted(self, kind: ResourceKind, resource_id: str | int, pipeline_id: int) -> None:
        """Lets the pipeline use the resource, if it may not yet."""
        resources.ensure_permitted(self.connection, kind, resource_id, pipeline_id)
