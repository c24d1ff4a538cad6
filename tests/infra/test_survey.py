"""What a workspace tells of itself at a glance."""

from infra.azureml import survey
from infra.azureml.workspace import Workspace
from tests.infra.answers import Answers


def job(name: str, tags: dict[str, str] | None) -> dict[str, object]:
    return {"name": name, "properties": {"status": "Completed", "jobType": "Pipeline", "tags": tags}}


def test_a_filter_that_lets_everything_through_is_seen(azure: Answers, workspace: Workspace) -> None:
    azure.says("GET", "./jobs", {"value": [job("ours", {"spotter_request": "1"}), job("theirs", None)]})
    filtered, hidden = survey.jobs_by_tag(workspace.connection)
    assert [(each.name, each.request_id) for each in filtered] == [("ours", "1"), ("theirs", "")]
    assert hidden == []
    assert ["tag=" in path for path in azure.asked("GET", "/jobs")] == [False, True]


def test_data_assets_are_told_with_their_kind_whatever_is_missing(
    azure: Answers, workspace: Workspace
) -> None:
    caps = {"latestVersion": "2", "dataType": "MLTable"}
    azure.says("GET", "./data", {"value": [{"name": "caps", "properties": caps}, {}]})
    found = [(each.name, each.version, each.kind) for each in survey.data_assets(workspace.connection)]
    assert found == [("caps", "2", "mltable"), ("", "", "")]
