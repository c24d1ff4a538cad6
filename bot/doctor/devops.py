"""Azure DevOps: the project, the pipelines and what they take, and what they need beside their files."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from bot.doctor import azure
from bot.doctor.finding import Check, Service, Verdict, ok, problem, skipped, warning
from bot.doctor.words import listed
from commands.kit.policy import Policy
from infra.devops import checks, permissions, resources
from infra.devops.connection import Place
from infra.devops.pipelines import Parameter, Pipeline
from infra.devops.project import Project
from infra.devops.runs import CORRELATION
from infra.http.errors import Denied, NotFound
from infra.http.fields import text
from infra.setup import gate

TITLE = "Azure DevOps"
MAKE = "`spotter provision apply` makes it."
ENOUGH = ("ok", "skipped")
SHIPMENT = ("modelName", "modelVersion", "target", "ring", CORRELATION)


class DevOpsCheckup:
    def __init__(self, place: Place, policy: Policy | None) -> None:
        self._place = place
        self._project = Project.connect(place)
        self._policy = policy

    def service(self) -> Service:
        return Service("devops", TITLE, list(self._checks()), self._explain)

    def _checks(self) -> Iterable[Check]:
        yield Check("project", "Project", self._look_at_project)
        if self._policy is None:
            yield Check(
                "policy", "Pipelines", lambda: skipped("Not looked at: the policy file could not be read.")
            )
            return
        pipelines = self._policy.pipelines
        yield self._pipeline("publish", pipelines.publish, (CORRELATION,))
        yield self._pipeline("edge", pipelines.edge, SHIPMENT)
        yield self._pipeline("infrastructure", pipelines.infrastructure, ())
        yield from self._connections(self._policy)
        for target, about in self._policy.targets.items():
            for ring in about.rings:
                look = self._environment(f"{target}-{ring}", pipelines.edge)
                yield Check(f"environment.{target}-{ring}", f"Environment {target}-{ring}", look, "project")

    def _look_at_project(self) -> Verdict:
        connection = self._project.connection
        told = connection.get(connection.organization("projects", self._place.project))
        return ok(f"{text(told, 'name')} at {self._place.organization}.")

    def _pipeline(self, kind: str, name: str, gives: Sequence[str]) -> Check:
        def look() -> Verdict:
            try:
                pipeline = self._project.pipeline(name)
            except NotFound:
                return self._without_pipeline(kind)
            found = self._parameters(pipeline, gives)
            return self._rights(pipeline, found) if gives and found.state in ENOUGH else found

        return Check(f"pipeline.{kind}", f"Pipeline {name}", look, "project")

    def _without_pipeline(self, kind: str) -> Verdict:
        remedy = f"Make it from infra/provision/pipelines/{kind}.yml, or correct [pipelines] {kind}. {MAKE}"
        if kind == "publish" or (kind == "edge" and self._policy and self._policy.targets):
            return problem("It is not there.", remedy)
        return warning("It is not there; nothing needs it yet.", remedy)

    def _rights(self, pipeline: Pipeline, found: Verdict) -> Verdict:
        """As found, where Spotter may also run it."""
        connection = self._project.connection
        remedy = (
            "On its page: ⋮ → Manage security → Spotter's identity → Queue builds and Stop builds: Allow."
        )
        if not permissions.may(connection, permissions.QUEUE, pipeline):
            return problem("Spotter may not run it.", remedy)
        if not permissions.may(connection, permissions.STOP, pipeline):
            return warning("Spotter may run it, but not cancel a run.", remedy)
        return found

    def _parameters(self, pipeline: Pipeline, gives: Sequence[str]) -> Verdict:
        branch = self._policy.pipelines.branch if self._policy else ""
        where = f"{pipeline.yaml_path.lstrip('/')} on {branch}"
        try:
            declared = self._project.parameters(pipeline, branch)
        except NotFound:
            return problem(f"There is no {where}.", "Correct [pipelines] branch, or push the file.")
        if declared is None:
            return skipped(
                f"It is there; {where} lies outside of Azure Repos and cannot be read.", _declare(gives)
            )
        by_name = {parameter.name: parameter for parameter in declared}
        if missing := [name for name in gives if name not in by_name]:
            return problem(f"{where} does not declare {listed(missing, 'and')}.", _declare(missing))
        needed = [each.name for each in declared if each.default is None and each.name not in gives]
        if needed:
            return problem(
                f"{where} asks for {listed(needed, 'and')}, which Spotter does not give.",
                "Give it a default.",
            )
        if refused := self._refused_targets(by_name):
            return problem(
                f"{where} does not take {listed(refused)}.",
                "Add it to the values there: spotter.toml has it as a target.",
            )
        takes = f"takes {listed(gives, 'and')}" if gives else "needs nothing"
        return ok(f"{where} {takes} from Spotter.")

    def _refused_targets(self, declared: Mapping[str, Parameter]) -> list[str]:
        """Targets and rings of the policy that the edge pipeline does not list."""
        targets = self._policy.targets if self._policy else {}
        wanted: dict[str, set[str]] = {
            "target": set(targets),
            "ring": {ring for each in targets.values() for ring in each.rings},
        }
        return [
            f"{name} {value}"
            for name, values in wanted.items()
            if name in declared and declared[name].values
            for value in sorted(values - set(declared[name].values))
        ]

    def _connections(self, policy: Policy) -> Iterable[Check]:
        wanted = policy.provision
        if wanted is None:
            yield Check("connections", "Service connections", _without_names)
            return
        pipelines = policy.pipelines
        for name, pipeline in (
            (wanted.connection, pipelines.publish),
            (wanted.edge_connection, pipelines.edge),
            (wanted.infrastructure_connection, pipelines.infrastructure),
        ):
            yield Check(
                f"connection.{name}", f"Connection {name}", self._connection(name, pipeline), "project"
            )

        yield Check(
            f"branches.{wanted.edge_connection}",
            f"Branches of {wanted.edge_connection}",
            lambda: self._branches(wanted.edge_connection, pipelines.branch),
            "project",
        )

    def _branches(self, connection: str, branch: str) -> Verdict:
        there = self._project.endpoint(connection)
        if there is None:
            return skipped(f"{connection} is not there.")
        if checks.lets_in_only(checks.on(self._project.connection, "endpoint", there.id), branch):
            return ok(f"Runs of {branch} alone may use it.")
        return warning(
            f"Not only runs of {branch} may use it, so an edited copy of the pipeline on another branch ships past"
            " the checks of the environments.",
            f"On its page: ⋮ → Approvals and checks → Branch control, refs/heads/{branch}. {MAKE}",
        )

    def _connection(self, name: str, pipeline: str) -> Callable[[], Verdict]:
        def look() -> Verdict:
            there = self._project.endpoint(name)
            if there is None:
                return warning(f"It is not there, so {pipeline} cannot sign in to Azure.", MAKE)
            if not there.is_ready:
                return problem("It is not ready.", "Open it in the project's settings: it says why.")
            return self._permission("endpoint", there.id, pipeline, f"It signs in by {there.scheme}")

        return look

    def _environment(self, name: str, pipeline: str) -> Callable[[], Verdict]:
        def look() -> Verdict:
            there = resources.environment(self._project.connection, name)
            if there is None:
                return problem("It is not there, so nothing can be shipped to it.", MAKE)
            standing = checks.on(self._project.connection, "environment", there.id)
            asks = checks.asks(standing, gate.PATH)
            if not asks and not any(each.kind == checks.APPROVAL for each in standing):
                return warning(
                    f"{'None of its checks is a gate' if standing else 'It has no check'}, so whoever may run"
                    f" {pipeline} ships without an approval.",
                    f"Let it ask Spotter (Approvals and checks → Invoke REST API, {gate.PATH}), or add an approval"
                    f" of your own. With [provision] public_url and HOOKS_SECRET set, {MAKE}",
                )
            seen = "It asks Spotter" if asks else "It waits for an approval in Azure DevOps"
            return self._permission("environment", there.id, pipeline, seen)

        return look

    def _permission(
        self, kind: resources.ResourceKind, resource_id: str | int, pipeline: str, seen: str
    ) -> Verdict:
        try:
            user = self._project.pipeline(pipeline)
        except NotFound:
            return skipped(f"{seen}; {pipeline}, which uses it, is not there.")
        if not self._project.is_permitted(kind, resource_id, user.id):
            return warning(
                f"{seen}; {pipeline} may not use it yet, so its first run waits for somebody to permit it.",
                f"Permit it there, under Pipeline permissions. {MAKE.replace('makes it', 'does it')}",
            )
        return ok(f"{seen}, and {pipeline} may use it.")

    def _explain(self, fault: Exception) -> Verdict | None:
        if isinstance(fault, NotFound):
            return problem(fault.message, "Check AZURE_DEVOPS_ORG_URL and AZURE_DEVOPS_PROJECT.")
        if isinstance(fault, Denied):
            return problem(
                fault.message,
                "Add Spotter's identity to the organisation with access to the project, or set a new"
                " AZURE_DEVOPS_EXT_PAT (Build: read and execute; Code, Environment, Service connections: read).",
            )
        return azure.explain(fault)


def _declare(names: Sequence[str]) -> str:
    return (
        f"Declare {listed(names, 'and')} under parameters, as infra/provision/pipelines has it."
        if names
        else ""
    )


def _without_names() -> Verdict:
    return skipped(
        "spotter.toml has no table [provision], so their names are not known.",
        "docs/policy.md tells what stands there.",
    )
