"""From the YAML of a branch to a plan: triggers, variables, stages, jobs."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from yaml.nodes import Node, ScalarNode

from sandbox.devops.pipeline.definition import Job, Plan, Stage, Step
from sandbox.devops.pipeline.document import Document
from sandbox.devops.pipeline.expressions import ExpressionError, Names, evaluate, spelled
from sandbox.devops.pipeline.order import check_order
from sandbox.devops.pipeline.steps import checkout, read_condition, read_step
from sandbox.devops.pipeline.triggers import read_trigger

_COMPILE_TIME = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_MACRO = re.compile(r"\$\(([\w.-]+)\)")
_NAME = re.compile(r"[A-Za-z_]\w*")
_TOP = {"name", "trigger", "pr", "parameters", "variables", "pool", "stages", "jobs", "steps"}
_LATER = {
    "resources": "other repositories, pipelines and containers",
    "schedules": "scheduled runs",
    "extends": "templates",
    "template": "templates",
    "group": "variable groups",
    "strategy": "matrices",
    "container": "containers",
    "services": "containers",
    "lockBehavior": "exclusive locks",
    "uses": "repositories of other projects",
    "templateContext": "templates",
    "cancelTimeoutInMinutes": "limits of canceling",
}
_LATER_VARIABLES = {"group": "variable groups", "parameters": "parameters of templates"}
_COMMON = {
    "displayName",
    "dependsOn",
    "condition",
    "pool",
    "variables",
    "timeoutInMinutes",
    "continueOnError",
    "workspace",
}
_JOB = {"job", "steps", *_COMMON}
_DEPLOYMENT = {"deployment", "environment", "strategy", *_COMMON}


class Reader:
    """`predefined` are variables that are known when a run is queued; `load` reads another file of the branch."""

    def __init__(
        self,
        document: Document,
        parameters: Mapping[str, Any],
        predefined: Mapping[str, str],
        load: Callable[[str], str | None],
    ) -> None:
        self._document = document
        self._parameters = dict(parameters)
        self._predefined = dict(predefined)
        self._load = load

    def plan(self) -> Plan:
        read_trigger(self._document)
        top = self._document.mapping(self._document.root, _TOP, _LATER)
        variables = self._variables(top["variables"], {}) if "variables" in top else {}
        pool = self._pool(top.get("pool"), variables, "")
        name = self._text(top["name"], variables) if "name" in top else ""
        stages = self._stages(top, variables, pool)
        check_order(self._document.path, "Stage", {stage.name: stage.depends_on for stage in stages})
        for stage in stages:
            check_order(self._document.path, "Job", {job.name: job.depends_on for job in stage.jobs})
        return Plan(self._parameters, variables, stages, name)

    def _text(self, node: Node, variables: Mapping[str, str]) -> str:
        """A text with its `${{ }}` filled in."""
        text = self._document.text(node)
        names = Names({"parameters": self._parameters, "variables": {**self._predefined, **variables}}, {})

        def fill(match: re.Match[str]) -> str:
            try:
                return spelled(evaluate(match[1], names))
            except (ExpressionError, IndexError) as wrong:
                raise self._document.refuse(node, str(wrong)) from None

        filled = _COMPILE_TIME.sub(fill, text)
        if filled.startswith("$["):
            raise self._document.unserved(node, f"'{filled}'")
        return filled

    def _variables(self, node: Node, outer: Mapping[str, str]) -> dict[str, str]:
        document = self._document
        if node.tag.endswith(":map"):
            found: dict[str, str] = {}
            for key, _, value in document.entries(node):
                found[key] = self._text(value, {**outer, **found})
            return found
        found = {}
        for item in document.items(node):
            fields = document.mapping(item, {"name", "value", "readonly", "template"}, _LATER_VARIABLES)
            if "template" in fields:
                found.update(self._template(fields["template"], {**outer, **found}))
            elif {"name", "value"} <= fields.keys():
                found[document.text(fields["name"])] = self._text(fields["value"], {**outer, **found})
            else:
                raise document.refuse(item, "Expected a variable's name and value.")
        return found

    def _template(self, node: Node, outer: Mapping[str, str]) -> dict[str, str]:
        """The variables of another file, whose path is relative to this one or begins with a slash."""
        name = self._document.text(node)
        folder = self._document.path.rpartition("/")[0]
        path = name if name.startswith("/") else f"{folder}/{name}"
        text = self._load(path)
        if text is None:
            raise self._document.refuse(node, f"File {path} not found in the repository.")
        inner = Document(path, text)
        fields = inner.mapping(inner.root, {"variables"}, _LATER)
        if "variables" not in fields:
            raise inner.refuse(inner.root, "A template of variables was expected.")
        reader = Reader(inner, self._parameters, self._predefined, self._load)
        return reader._variables(fields["variables"], outer)

    def _pool(self, node: Node | None, variables: Mapping[str, str], otherwise: str) -> str:
        if node is None:
            return otherwise
        if isinstance(node, ScalarNode):
            return self._text(node, variables)
        fields = self._document.mapping(node, {"name", "vmImage"}, {"demands": "demands on agents"})
        return self._text(fields["name"], variables) if "name" in fields else ""

    def _stages(self, top: Mapping[str, Node], variables: dict[str, str], pool: str) -> tuple[Stage, ...]:
        document = self._document
        if "stages" not in top:
            return (Stage("__default", "__default", self._jobs(top, document.root, variables, pool)),)
        found: list[Stage] = []
        for node in document.items(top["stages"]):
            known = {"stage", "displayName", "dependsOn", "condition", "variables", "pool", "jobs"}
            fields = document.mapping(node, known, _LATER)
            if "stage" not in fields or "jobs" not in fields:
                raise document.refuse(node, "Expected a stage with its jobs.")
            name = self._name(fields["stage"], variables)
            own = self._variables(fields["variables"], variables) if "variables" in fields else {}
            scope = {**variables, **own}
            after = (found[-1].name,) if found else ()
            stage = Stage(
                name,
                self._text(fields["displayName"], scope) if "displayName" in fields else name,
                self._jobs(fields, node, scope, self._pool(fields.get("pool"), scope, pool)),
                self._depends_on(fields, scope, after),
                read_condition(self._document, fields, partial(self._text, variables=scope)),
                own,
            )
            found.append(stage)
        return tuple(found)

    def _depends_on(
        self, fields: Mapping[str, Node], scope: Mapping[str, str], otherwise: tuple[str, ...]
    ) -> tuple[str, ...]:
        if "dependsOn" not in fields:
            return otherwise
        node = fields["dependsOn"]
        items = [node] if isinstance(node, ScalarNode) else self._document.items(node)
        return tuple(text for text in (self._text(item, scope) for item in items) if text)

    def _name(self, node: Node, scope: Mapping[str, str]) -> str:
        name = self._text(node, scope)
        if not _NAME.fullmatch(name):
            message = f"The name '{name}' is not valid: use letters, digits and '_', no digit first."
            raise self._document.refuse(node, message)
        return name

    def _jobs(
        self, fields: Mapping[str, Node], place: Node, scope: Mapping[str, str], pool: str
    ) -> tuple[Job, ...]:
        document = self._document
        if "jobs" in fields:
            nodes = document.items(fields["jobs"])
            return tuple(self._job(node, number, scope, pool) for number, node in enumerate(nodes, 1))
        if "steps" not in fields:
            raise document.refuse(place, "Expected stages, jobs or steps.")
        return (Job("Job", "Job", self._steps(fields["steps"], scope), pool=pool),)

    def _job(self, node: Node, number: int, outer: Mapping[str, str], pool: str) -> Job:
        document = self._document
        deployment = any(key == "deployment" for key, _, _ in document.entries(node))
        fields = document.mapping(node, _DEPLOYMENT if deployment else _JOB, _LATER)
        kind = "deployment" if deployment else "job"
        if kind not in fields:
            raise document.refuse(node, "Expected a job or a deployment.")
        name = self._name(fields[kind], outer) if document.text(fields[kind]) else f"Job{number}"
        own = self._variables(fields["variables"], outer) if "variables" in fields else {}
        scope = {**outer, **own}
        if deployment and "environment" not in fields:
            raise document.refuse(node, f"Job {name}: A deployment needs an environment.")
        steps = self._run_once(fields, node, scope) if deployment else self._own_steps(fields, node, scope)
        return Job(
            name,
            self._text(fields["displayName"], scope) if "displayName" in fields else name,
            steps,
            self._depends_on(fields, scope, ()),
            read_condition(self._document, fields, partial(self._text, variables=scope)),
            self._pool(fields.get("pool"), scope, pool),
            self._environment(fields["environment"], scope) if deployment else "",
            own,
            document.whole(fields["timeoutInMinutes"]) if "timeoutInMinutes" in fields else 60,
            document.truth(fields["continueOnError"]) if "continueOnError" in fields else False,
            deployment,
        )

    def _environment(self, node: Node, scope: Mapping[str, str]) -> str:
        if isinstance(node, ScalarNode):
            return self._known(self._text(node, scope), scope)
        fields = self._document.mapping(node, {"name"}, {"resourceName": "resources of environments"})
        if "name" not in fields:
            raise self._document.refuse(node, "Expected the environment's name.")
        return self._known(self._text(fields["name"], scope), scope)

    def _own_steps(
        self, fields: Mapping[str, Node], place: Node, scope: Mapping[str, str]
    ) -> tuple[Step, ...]:
        if "steps" not in fields:
            raise self._document.refuse(place, "Expected the job's steps.")
        return self._steps(fields["steps"], scope)

    def _run_once(
        self, fields: Mapping[str, Node], place: Node, scope: Mapping[str, str]
    ) -> tuple[Step, ...]:
        """The steps of `strategy: runOnce: deploy:`, the one way to deploy that is served."""
        if "strategy" not in fields:
            raise self._document.refuse(place, "A deployment needs a strategy.")
        later = {"rolling": "this strategy", "canary": "this strategy"}
        once = self._document.mapping(fields["strategy"], {"runOnce"}, later)["runOnce"]
        hooks = dict.fromkeys(
            ("preDeploy", "routeTraffic", "postRouteTraffic", "on"), "hooks of a deployment"
        )
        deploy = self._document.mapping(once, {"deploy"}, hooks)["deploy"]
        inner = self._document.mapping(deploy, {"steps"}, _LATER)
        return self._steps(inner["steps"], scope, source=False)

    def _steps(self, node: Node, scope: Mapping[str, str], *, source: bool = True) -> tuple[Step, ...]:
        """Jobs get the sources without asking; deployments only with `checkout: self`."""

        text = partial(self._text, variables=scope)
        steps = [read_step(self._document, item, text) for item in self._document.items(node)]
        steps = [self._connected(step, scope) for step in steps]
        if source and not any(step.task == "checkout" for step in steps):
            steps.insert(0, checkout("self"))
        return tuple(step for step in steps if step.inputs.get("repository") != "none")

    def _connected(self, step: Step, scope: Mapping[str, str]) -> Step:
        """The service connection must be known before the run begins, also where a macro names it."""
        name = step.inputs.get("azureSubscription", "")
        return (
            replace(step, inputs={**step.inputs, "azureSubscription": self._known(name, scope)})
            if name
            else step
        )

    def _known(self, text: str, scope: Mapping[str, str]) -> str:
        """A text with macros of variables that the YAML declares filled in."""
        values = {name.lower(): value for name, value in {**self._predefined, **scope}.items()}
        return _MACRO.sub(lambda match: values.get(match[1].lower(), match[0]), text)
