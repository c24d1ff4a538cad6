"""Steps: scripts, the checkout, and the few tasks that are served."""

from collections.abc import Callable, Mapping
from typing import Any

from yaml.nodes import Node

from sandbox.devops.pipeline.definition import Step
from sandbox.devops.pipeline.document import Document
from sandbox.devops.pipeline.expressions import OF_STATUS, ExpressionError, Names, evaluate

SCRIPTS = {"script": "CmdLine", "bash": "Bash"}
TASKS: dict[str, set[str]] = {
    "AzureCLI@2": {
        "azureSubscription",
        "scriptType",
        "scriptLocation",
        "inlineScript",
        "workingDirectory",
        "visibleAzLogin",
    },
    "UsePythonVersion@0": {"versionSpec", "addToPath", "architecture"},
}
_SHARED = {"displayName", "name", "condition", "continueOnError", "enabled", "env", "timeoutInMinutes"}
_SCRIPT_INPUTS = {"workingDirectory"}
_CHECKOUT_INPUTS = {"fetchDepth", "fetchTags", "clean"}
_LATER = {
    "template": "templates",
    "retryCountOnTaskFailure": "retried steps",
    "pwsh": "PowerShell",
    "powershell": "PowerShell",
    "publish": "artifacts",
    "download": "artifacts",
    "downloadBuild": "artifacts",
    "getPackage": "packages",
    "reviewApp": "review apps",
    "target": "step targets",
    "failOnStderr": "failing by standard error",
}
_LATER_CHECKOUTS = {"path": "another folder", "submodules": "submodules", "lfs": "large files"}
_LATER_INPUTS = dict.fromkeys(
    ("addSpnToEnvironment", "arguments", "scriptPath", "failOnStandardError", "useGlobalConfig"),
    "of AzureCLI@2",
)
Text = Callable[[Node], str]


def checkout(repository: str) -> Step:
    return Step("checkout", "Checkout", inputs={"repository": repository})


def read_step(document: Document, node: Node, text: Text) -> Step:
    """`text` reads a scalar and fills in what is known at compile time."""
    keys = [key for key, _, _ in document.entries(node)]
    kind = next((key for key in keys if key in (*SCRIPTS, "checkout", "task")), None)
    if kind in SCRIPTS:
        return _script(document, node, kind, text)
    if kind == "checkout":
        return _checkout(document, node, text)
    if kind == "task":
        return _task(document, node, text)
    document.mapping(node, set(), _LATER)
    raise document.refuse(node, "Expected a step.")


def _script(document: Document, node: Node, kind: str, text: Text) -> Step:
    fields = document.mapping(node, {kind, *_SHARED, *_SCRIPT_INPUTS}, _LATER)
    inputs = {key: text(fields[key]) for key in _SCRIPT_INPUTS if key in fields}
    inputs["script"] = text(fields[kind])
    return Step(kind, **_shared(document, fields, text, SCRIPTS[kind]), inputs=inputs)


def _checkout(document: Document, node: Node, text: Text) -> Step:
    fields = document.mapping(node, {"checkout", *_SHARED, *_CHECKOUT_INPUTS}, _LATER_CHECKOUTS)
    repository = text(fields["checkout"])
    if repository not in ("self", "none"):
        raise document.unserved(fields["checkout"], "other repositories")
    return Step("checkout", **_shared(document, fields, text, "Checkout"), inputs={"repository": repository})


def _task(document: Document, node: Node, text: Text) -> Step:
    fields = document.mapping(node, {"task", "inputs", *_SHARED}, _LATER)
    task = document.text(fields["task"])
    if task not in TASKS:
        raise document.unserved(fields["task"], f"the task {task}")
    given = document.mapping(fields["inputs"], TASKS[task], _LATER_INPUTS) if "inputs" in fields else {}
    inputs = {key: text(value) for key, value in given.items()}
    if task == "AzureCLI@2":
        _check_azure_cli(document, node, inputs)
    return Step(task, **_shared(document, fields, text, task.partition("@")[0]), inputs=inputs)


def _check_azure_cli(document: Document, node: Node, inputs: dict[str, str]) -> None:
    for needed in ("azureSubscription", "scriptType"):
        if not inputs.get(needed):
            raise document.refuse(node, f"Step AzureCLI: Input required: {needed}")
    if inputs["scriptType"] != "bash" or inputs.get("scriptLocation") != "inlineScript":
        raise document.unserved(node, "AzureCLI@2 with other than inline scripts of bash")
    if not inputs.get("inlineScript"):
        raise document.refuse(node, "Step AzureCLI: Input required: inlineScript")


def read_condition(document: Document, fields: Mapping[str, Node], text: Text) -> str:
    """An expression that can be read and speaks of nothing unknown."""
    if "condition" not in fields:
        return ""
    condition = text(fields["condition"])
    names = Names({"variables": {}}, dict.fromkeys(OF_STATUS, lambda given: True))
    try:
        evaluate(condition, names)
    except (ExpressionError, IndexError) as wrong:
        raise document.refuse(fields["condition"], str(wrong)) from None
    return condition


def _shared(document: Document, fields: dict[str, Node], text: Text, display: str) -> dict[str, Any]:
    env = {key: text(value) for key, _, value in document.entries(fields["env"])} if "env" in fields else {}
    return {
        "display": text(fields["displayName"]) if "displayName" in fields else display,
        "name": text(fields["name"]) if "name" in fields else "",
        "env": env,
        "condition": read_condition(document, fields, text),
        "continue_on_error": document.truth(fields["continueOnError"])
        if "continueOnError" in fields
        else False,
        "enabled": document.truth(fields["enabled"]) if "enabled" in fields else True,
        "timeout": document.whole(fields["timeoutInMinutes"]) if "timeoutInMinutes" in fields else 0,
    }
