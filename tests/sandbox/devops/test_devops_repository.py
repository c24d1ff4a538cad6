"""The repository as the API shows it: what a person who publishes wants to see before."""

from .conftest import DevOps

REPOSITORY = "/git/repositories/vision"


def test_the_last_commit_of_a_branch_is_shown(devops: DevOps) -> None:
    first = devops.push("lighting", message="Try other lights", training__pipeline_txt="brighter\n")
    second = devops.push("lighting", message="Dim them again", training__pipeline_txt="dimmer\n")
    refs = devops.get(f"{REPOSITORY}/refs?filter=heads/light")["value"]
    assert [(ref["name"], ref["objectId"]) for ref in refs] == [("refs/heads/lighting", second)]
    query = "searchCriteria.itemVersion.version=lighting&searchCriteria.$top=2"
    commits = devops.get(f"{REPOSITORY}/commits?{query}")["value"]
    assert [(commit["commitId"], commit["comment"]) for commit in commits] == [
        (second, "Dim them again"),
        (first, "Try other lights"),
    ]
    assert commits[0]["changeCounts"] == {"Add": 0, "Edit": 1, "Delete": 0}
    assert commits[0]["author"]["name"] == "Line engineer"
    only = devops.get(f"{REPOSITORY}/commits?{query}&searchCriteria.itemPath=/publish.yml")["value"]
    assert second not in [commit["commitId"] for commit in only]
    assert devops.get(f"{REPOSITORY}/commits/{second}")["parents"] == [first]


def test_files_are_read_from_a_branch_or_a_commit(devops: DevOps) -> None:
    old = devops.push("paint", training__pipeline_txt="red\n")
    devops.push("paint", training__pipeline_txt="blue\n")
    path = f"{REPOSITORY}/items?path=/training/pipeline.txt&includeContent=true"
    assert devops.get(f"{path}&versionDescriptor.version=paint")["content"] == "blue\n"
    assert (
        devops.get(f"{path}&versionDescriptor.versionType=commit&versionDescriptor.version={old}")["content"]
        == "red\n"
    )
    raw = devops.call(
        "GET", f"/Vision/_apis{path}&versionDescriptor.version=paint", headers={"Accept": "text/plain"}
    )
    assert raw.text == "blue\n"
    listed = devops.get(f"{REPOSITORY}/items?scopePath=/training&recursionLevel=full")["value"]
    assert [item["path"] for item in listed] == ["/training/pipeline.txt"]


def test_what_is_not_there_is_not_found(devops: DevOps) -> None:
    for path, key in (
        ("/git/repositories/other/refs", "GitRepositoryNotFoundException"),
        (f"{REPOSITORY}/items?path=/nothing.txt", "GitItemNotFoundException"),
        (
            f"{REPOSITORY}/commits?searchCriteria.itemVersion.version=nowhere",
            "GitUnresolvableToCommitException",
        ),
    ):
        answer = devops.call("GET", f"/Vision/_apis{path}")
        assert (answer.status_code, answer.json()["typeKey"]) == (404, key)
