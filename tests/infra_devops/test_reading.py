"""Pipelines, the parameters that their files declare, branches and commits."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from infra.devops.pipelines import Parameter, Pipeline, declared
from infra.devops.project import Project
from infra.devops.repositories import Branch
from infra.http.errors import NotFound, Refused
from tests.infra_devops.server import PIPELINE_ID, REPOSITORY_ID, Server

GIT = f"git/repositories/{REPOSITORY_ID}"


def test_a_pipeline_by_name(project: Project, publish: Pipeline) -> None:
    assert publish == Pipeline(
        PIPELINE_ID, "publish", "\\", "/pipelines/publish.yml", REPOSITORY_ID, "azureReposGit", ""
    )
    assert project.pipeline("Publish") == publish


def test_pipelines_of_the_same_name_are_told_apart_by_folder(devops: Server, project: Project) -> None:
    listed = [
        {"id": 1, "name": "publish", "folder": "\\line 1"},
        {"id": 2, "name": "publish", "folder": "\\line 2"},
    ]
    devops.says("GET", "pipelines", {"value": listed})
    devops.says("GET", "pipelines/2", listed[1])
    with pytest.raises(Refused, match=r"line 1\\publish or line 2\\publish"):
        project.pipeline("publish")
    assert project.pipeline("\\line 2\\publish").id == 2
    with pytest.raises(NotFound, match="no pipeline called edge"):
        project.pipeline("edge")


def test_lists_are_read_to_their_end(devops: Server, project: Project) -> None:
    first = [{"id": 1, "name": "other", "folder": "\\"}]
    devops.says("GET", "pipelines", {"value": first}, headers={"x-ms-continuationtoken": "publish"})
    with pytest.raises(NotFound):
        project.pipeline("publish")
    asked = [parse_qs(urlsplit(path).query) for path in devops.asked("GET", "/pipelines")]
    assert [query.get("continuationToken") for query in asked] == [None, ["publish"]]


def test_declared_parameters(devops: Server, project: Project, publish: Pipeline) -> None:
    assert project.parameters(publish, "release/2") == (
        Parameter("correlationId", default="none"),
        Parameter("force", "boolean", default="false", title="Publish again"),
        Parameter("size", default="small", values=("small", "medium")),
        Parameter("target"),
    )
    query = parse_qs(urlsplit(devops.asked("GET", "/items")[-1]).query)
    assert query["path"] == ["/pipelines/publish.yml"]
    assert query["versionDescriptor.version"] == ["release/2"]


def test_declared_parameters_in_the_short_form() -> None:
    assert declared("parameters:\n  size: 3\n  loud: true\n", "a.yml") == (
        Parameter("size", default="3"),
        Parameter("loud", default="true"),
    )
    assert declared("steps: []", "a.yml") == declared("", "a.yml") == declared("- a list", "a.yml") == ()


def test_a_file_that_is_no_yaml_is_refused_with_its_line() -> None:
    with pytest.raises(Refused, match=r"a\.yml is not valid YAML \(line 3\)"):
        declared("a: 1\nb: 2\n  c: [\n", "a.yml")


def test_a_file_outside_azure_repos_is_not_known(devops: Server, project: Project) -> None:
    repository = {"fullName": "line/vision", "type": "gitHub", "connection": {"id": "x"}}
    listed = {"id": 9, "name": "hub", "folder": "\\"}
    devops.says("GET", "pipelines", {"value": [listed]})
    devops.says("GET", "pipelines/9", listed | {"configuration": {"path": "a.yml", "repository": repository}})
    assert project.parameters(project.pipeline("hub"), "main") is None


def test_a_missing_branch(devops: Server, project: Project, publish: Pipeline) -> None:
    message = "TF401175: The version descriptor <Branch: gone> could not be resolved to a version."
    devops.says(
        "GET", f"{GIT}/items", {"message": message, "typeKey": "GitUnresolvableToCommitException"}, 404
    )
    with pytest.raises(NotFound, match="TF401175"):
        project.parameters(publish, "gone")


def test_branches_and_their_last_commit(devops: Server, project: Project) -> None:
    refs = [
        {"name": "refs/heads/main", "objectId": "a" * 40},
        {"name": "refs/heads/feature/Caps", "objectId": "b" * 40},
    ]
    devops.says("GET", f"{GIT}/refs", {"value": refs})
    commit = {
        "commitId": "b" * 40,
        "comment": "Try larger images\n\nThey are sharper.",
        "author": {"name": "A trainer", "date": "2026-11-20T10:00:00Z"},
        "remoteUrl": "https://dev.azure.com/org/commit/b",
    }
    devops.says("GET", f"{GIT}/commits", {"count": 1, "value": [commit]})
    assert [branch.name for branch in project.branches(REPOSITORY_ID)] == ["feature/Caps", "main"]
    assert project.branches(REPOSITORY_ID, "caps") == [Branch("feature/Caps", "b" * 40)]
    last = project.last_commit(REPOSITORY_ID, "refs/heads/feature/Caps")
    assert (last.title, last.author) == ("Try larger images", "A trainer")
    assert last.at == datetime(2026, 11, 20, 10, tzinfo=UTC)
    query = parse_qs(urlsplit(devops.asked("GET", "/commits")[-1]).query)
    assert query["searchCriteria.itemVersion.version"] == ["feature/Caps"]


def test_a_branch_without_commits(devops: Server, project: Project) -> None:
    devops.says("GET", f"{GIT}/commits", {"count": 0, "value": []})
    with pytest.raises(NotFound, match="no commit on main"):
        project.last_commit(REPOSITORY_ID, "main")


def test_a_repository_with_its_default_branch(devops: Server, project: Project) -> None:
    told = {
        "id": REPOSITORY_ID,
        "name": "vision",
        "defaultBranch": "refs/heads/trunk",
        "webUrl": "https://x/y",
    }
    devops.says("GET", "git/repositories/vision", told)
    found = project.repository("vision")
    assert (found.id, found.default_branch) == (REPOSITORY_ID, "trunk")


@pytest.mark.parametrize("odd", [[], "text", {"value": None}, {"value": [None, 3, []]}, {"value": {}}])
def test_odd_answers_do_not_crash(devops: Server, project: Project, publish: Pipeline, odd: object) -> None:
    for path in (f"{GIT}/refs", "build/builds", "pipelines/approvals", "distributedtask/environments"):
        devops.says("GET", path, odd)
    for path in ("build/builds/5", "build/builds/5/timeline", "serviceendpoint/endpoints"):
        devops.says("GET", path, odd)
    project.branches(REPOSITORY_ID)
    project.runs(publish, datetime.now(UTC))
    project.fault(project.run(5))
    assert project.pending_approvals() == []
    assert project.stages(5) == ()
    project.environments()
    assert project.endpoint("connection") is None
