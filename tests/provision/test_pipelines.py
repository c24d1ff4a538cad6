"""The Azure Pipelines files: the public schema, and what it does not ask for."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator  # type: ignore[import-untyped]  # it ships no types

ROOT = Path(__file__).parents[2]
PIPELINES = ROOT / "infra" / "provision" / "pipelines"
FILES = sorted(PIPELINES.rglob("*.yml"))
STARTED = [PIPELINES / f"{name}.yml" for name in ("infrastructure", "publish", "edge")]
VARIABLES = (PIPELINES / "variables.yml").read_text()
EXPRESSION = re.compile(r"\$\{\{.*?\}\}")

by_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
by_started = pytest.mark.parametrize("file", STARTED, ids=lambda file: file.stem)


def load(file: Path) -> dict[str, Any]:
    """As Azure Pipelines reads it: every scalar is a string."""
    loaded = yaml.load(file.read_text(), Loader=yaml.BaseLoader)  # noqa: S506  # the loader that makes only strings
    assert isinstance(loaded, dict)
    return loaded


def schema_errors(content: dict[str, Any], part: str | None = None) -> list[str]:
    """Against Microsoft's schema, as check-jsonschema ships it; compile-time expressions are unfolded first."""
    transforms = pytest.importorskip(
        "check_jsonschema.transforms", reason="check-jsonschema, which ships the schema, is not installed"
    )
    schema = json.loads(
        (files("check_jsonschema") / "builtin_schemas" / "vendor" / "azure-pipelines.json").read_text()
    )
    if part:
        schema = {"$ref": f"#/definitions/{part}", "definitions": schema["definitions"]}
    unfolded = transforms.TRANSFORM_LIBRARY["azure-pipelines"](content)
    return [error.message[:300] for error in Draft7Validator(schema).iter_errors(unfolded)]


@by_file
def test_it_follows_the_public_schema(file: Path) -> None:
    assert schema_errors(load(file), "variablesTemplate" if file.stem == "variables" else None) == []


def test_the_schema_finds_a_mistake() -> None:
    content = load(PIPELINES / "publish.yml")
    content["stages"][0]["jobs"][0]["steps"][0] = {"tasks": "AzureCLI@2"}
    assert schema_errors(content)


@by_file
def test_a_deployment_names_its_environment_and_every_job_its_time(file: Path) -> None:
    for job in walk(load(file), "deployment", "job"):
        assert int(job["timeoutInMinutes"]) <= 60
        assert "deployment" not in job or job["environment"]


@by_file
def test_parameters_are_declared_used_and_never_part_of_a_script(file: Path) -> None:
    text, content = file.read_text(), load(file)
    used = set(re.findall(r"parameters\.(\w+)", " ".join(EXPRESSION.findall(text))))
    assert used == {parameter["name"] for parameter in content.get("parameters", [])}
    for script in scripts(content):
        assert "${{" not in script, script
        assert not re.search(r"\$\([A-Z]", script), (
            "a macro is text in a script; take it from the environment"
        )


@by_file
def test_what_a_script_reads_is_given(file: Path) -> None:
    """Variables of `variables.yml` come as environment; the rest is mapped, predefined, or made in the script."""
    for step in walk(load(file), "bash", "task"):
        script = "\n".join(scripts(step))
        made = set(re.findall(r"^\s*([A-Za-z_]\w*)=", script, re.MULTILINE))
        mapped = set(step.get("env", {}))
        shared = set(re.findall(r"^  (\w+):", VARIABLES, re.MULTILINE))
        predefined = {"BUILD_BUILDID", "AGENT_TEMPDIRECTORY", "BASH_REMATCH"}
        read = set(re.findall(r"\$\{?([A-Z][A-Z0-9_]+)", script))
        assert read <= made | mapped | shared | predefined, read - made - mapped - shared - predefined


@by_file
def test_secrets_have_no_place_here(file: Path) -> None:
    text = file.read_text()
    assert not re.search(r"password|secret(?!s )|token|\bkey:", without_comments(text), re.IGNORECASE)
    assert "persistCredentials" not in text, "off by default"


@by_started
def test_it_takes_the_one_variables_file_and_uses_what_is_there(file: Path) -> None:
    content = load(file)
    assert content["variables"] == [{"template": "variables.yml"}]
    declared = set(re.findall(r"^  (\w+):", VARIABLES, re.MULTILINE))
    told = "".join(path.read_text() for path in [*FILES, *EDGE_SCRIPTS])
    own = set(re.findall(r"task.setvariable variable=(\w+)\]", told))
    for macro in re.findall(r"\$\(([A-Za-z_]+)\)", file.read_text()):
        assert macro in declared | own | {"Build"}, macro
    for template in walk(content, "template"):
        assert (PIPELINES / template["template"]).exists()


def test_every_variable_is_explained_and_used() -> None:
    group = ""
    for line in VARIABLES.splitlines()[3:]:
        group = "" if not line else line if line.startswith("  #") else group
        name = line.strip().partition(":")[0]
        if line and not line.startswith("  #"):
            assert group, f"{name} has no comment"
            readers = [*FILES, ROOT / "infra/provision/bicep/main.bicepparam", *EDGE_SCRIPTS]
            assert any(name in path.read_text() for path in readers if path.name != "variables.yml"), name


def test_infrastructure_is_previewed_in_pull_requests_and_deployed_from_main_only() -> None:
    content = load(PIPELINES / "infrastructure.yml")
    assert content["trigger"]["branches"]["include"] == content["pr"]["branches"]["include"] == ["main"]
    assert "infra/provision/bicep/*" in content["trigger"]["paths"]["include"]
    check, deploy = content["stages"]
    checked = "\n".join(scripts(check))
    for said in ("az bicep lint", "az bicep build ", "az bicep build-params", "deployment group what-if"):
        assert said in checked
    assert "group create" not in checked
    assert deploy["dependsOn"] == "check"
    assert "'refs/heads/main'" in deploy["condition"] and "'PullRequest'" in deploy["condition"]
    assert "deployment group create" in "\n".join(scripts(deploy))


def test_publish_runs_when_the_training_changes_or_when_asked() -> None:
    content = load(PIPELINES / "publish.yml")
    assert content["trigger"]["branches"]["include"] == ["main"]
    assert content["trigger"]["paths"]["include"] == ["infra/training/*"]
    assert content["pr"] == "none"
    (step,) = [step for step in walk(content, "task") if "spotter publish-pipeline" in "".join(scripts(step))]
    assert '--version "$VERSION"' in step["inputs"]["inlineScript"]
    assert step["env"]["VERSION"] == "$(Build.BuildId)"


def test_edge_is_never_started_by_a_push_and_ships_to_known_places_only() -> None:
    content = load(PIPELINES / "edge.yml")
    assert content["trigger"] == content["pr"] == "none"
    declared = {parameter["name"]: parameter for parameter in content["parameters"]}
    assert set(declared) == {"modelName", "modelVersion", "target", "ring", "correlationId"}
    assert declared["target"]["values"] and declared["ring"]["values"] == ["canary", "all"]
    assert declared["modelVersion"]["type"] == "number"


def test_nothing_is_built_for_a_device_before_its_environment_lets_the_run_pass() -> None:
    """Checks of an environment hold the whole stage, so whatever pushes an image is in that stage."""
    (ring,) = load(PIPELINES / "edge.yml")["stages"]
    assert ring["stage"] == "${{ parameters.ring }}"
    (ship,) = ring["jobs"]
    assert ship["deployment"] == "ship"
    assert ship["environment"] == "${{ parameters.target }}-${{ parameters.ring }}"


@pytest.mark.parametrize("name", ["publish", "edge"])
def test_the_correlation_id_is_optional_and_shown(name: str) -> None:
    (parameter,) = [p for p in load(PIPELINES / f"{name}.yml")["parameters"] if p["name"] == "correlationId"]
    assert (parameter["type"], parameter["default"]) == ("string", "none")
    done = checked(name, CORRELATION_ID="pub-20261122-3f9a")
    assert done.returncode == 0
    assert f"##vso[build.updatebuildnumber]{name}-412-pub-20261122-3f9a\n" in done.stdout
    assert "##vso[build.addbuildtag]pub-20261122-3f9a\n" in done.stdout
    by_hand = checked(name, CORRELATION_ID="none")
    assert by_hand.returncode == 0 and "##vso[build." not in by_hand.stdout


@pytest.mark.parametrize(
    "hostile",
    [
        "",
        "a b",
        "a;id",
        "$(id)",
        "`id`",
        "a\n##vso[task.setvariable variable=x]y",
        "-x",
        "é",
        "a" * 65,
        "a]b",
    ],
)
@pytest.mark.parametrize("name", ["publish", "edge"])
def test_a_hostile_value_stops_the_run_and_is_not_repeated(name: str, hostile: str) -> None:
    done = checked(name, CORRELATION_ID=hostile)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert said.count("##vso[") == 1 and "##vso[task.logissue type=error]" in said
    assert len(hostile) < 3 or hostile not in said


@pytest.mark.parametrize(
    ("variable", "hostile"),
    [
        ("MODEL_NAME", "cap'; DROP"),
        ("MODEL_NAME", "../cap"),
        ("MODEL_VERSION", "1.5"),
        ("MODEL_VERSION", "0"),
        ("TARGET", "line-1' OR '1'='1"),
        ("RING", "everyone"),
    ],
)
def test_the_edge_pipeline_checks_all_that_it_is_given(variable: str, hostile: str) -> None:
    done = checked("edge", **{variable: hostile})
    assert done.returncode != 0 and variable in done.stderr and hostile not in done.stdout + done.stderr


EDGE_SCRIPTS = sorted((ROOT / "infra" / "provision" / "edge").glob("*.sh"))


@pytest.mark.parametrize("file", EDGE_SCRIPTS, ids=lambda file: file.stem)
def test_shell_scripts_are_sound(file: Path) -> None:
    assert subprocess.run(["bash", "-n", str(file)], check=False).returncode == 0
    assert "set -euo pipefail" in file.read_text()
    assert os.access(file, os.X_OK)


def checked(name: str, **given: str) -> subprocess.CompletedProcess[str]:
    """The pipeline's own checking step, run as an agent would."""
    (step,) = [
        step
        for step in walk(load(PIPELINES / f"{name}.yml"), "bash")
        if step.get("displayName") == "Check what was asked for"
    ]
    fitting = {
        "MODEL_NAME": "Cap_Detection_Model",
        "MODEL_VERSION": "3",
        "TARGET": "line-1",
        "RING": "canary",
        "CORRELATION_ID": "none",
        "BUILD_BUILDID": "412",
    }
    python = str(Path(sys.executable).parent)
    environment = {"PATH": f"{python}:{os.environ['PATH']}", **fitting, **given}
    return subprocess.run(
        ["bash", "-c", step["bash"]], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )


def walk(part: Any, *keys: str) -> Iterator[dict[str, Any]]:
    """Every mapping below that has one of the keys."""
    if isinstance(part, dict):
        if any(key in part for key in keys):
            yield part
        for value in part.values():
            yield from walk(value, *keys)
    elif isinstance(part, list):
        for value in part:
            yield from walk(value, *keys)


def scripts(part: Any) -> list[str]:
    """The text of every script below."""
    inline = [
        step["inputs"]["inlineScript"] for step in walk(part, "task") if "inlineScript" in step["inputs"]
    ]
    return inline + [step["bash"] for step in walk(part, "bash")]


def without_comments(text: str) -> str:
    return re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)
