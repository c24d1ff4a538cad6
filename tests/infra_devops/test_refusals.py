"""How Azure DevOps says no, and what the caller may do about it."""

from threading import Thread

import pytest

from infra.devops.connection import Place
from infra.devops.project import Project
from infra.http.errors import AzureError, Denied, NotFound, Refused, Throttled, Unavailable
from sandbox.faults import Fault
from tests.infra_devops.server import Server

READ = ("GET", "/build/builds/5")


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (Fault(*READ, "answer", status=203, body="<html>Sign In</html>"), Denied, "expired or was revoked"),
        (Fault(*READ, "answer", status=200, headers={"Content-Type": "text/html"}), Denied, "expired"),
        (
            Fault(*READ, "answer", status=302, headers={"Location": "https://x/_signin?a=b"}),
            Denied,
            "expired",
        ),
        (
            Fault(*READ, "answer", status=302, headers={"Location": "https://new/org"}),
            Refused,
            "points to https",
        ),
        (
            Fault(
                *READ, "answer", status=401, body='{"message": "The Personal Access Token used has expired."}'
            ),
            Denied,
            "says: The Personal Access Token used has expired",
        ),
        (
            Fault(*READ, "answer", status=400, body='{"message": "No.", "typeKey": "AccessCheckException"}'),
            Denied,
            "No.",
        ),
        (Fault(*READ, "answer", status=403, body='{"message": "TF50309: no"}'), Denied, "TF50309"),
        (Fault(*READ, "answer", status=404, body='{"message": "TF200016: no"}'), NotFound, "TF200016"),
        (Fault(*READ, "answer", status=429, headers={"Retry-After": "30"}), Throttled, "429"),
        (Fault(*READ, "answer", times=9, status=503), Unavailable, "503"),
        (Fault(*READ, "drop_before", times=9), Unavailable, "could not be reached"),
        (Fault(*READ, "answer", status=200, body="neither"), Unavailable, "not JSON"),
    ],
    ids=lambda each: None if isinstance(each, type | str) else f"{each.action} {each.status}",
)
def test_an_answer_becomes_what_to_do(
    devops: Server, project: Project, fault: Fault, kind: type[AzureError], words: str
) -> None:
    devops.faults.arm(fault)
    with pytest.raises(AzureError, match=words) as raised:
        project.run(5)
    assert type(raised.value) is kind


def test_a_moment_of_trouble_is_overcome_when_reading(devops: Server, project: Project) -> None:
    devops.started(5, {})
    devops.faults.arm(Fault(*READ, "answer", status=503))
    devops.faults.arm(Fault(*READ, "drop_before"))
    assert project.run(5).id == 5


def test_throttling_is_told_with_its_time(devops: Server, project: Project) -> None:
    devops.faults.arm(Fault(*READ, "answer", status=429, headers={"Retry-After": "30"}))
    with pytest.raises(Throttled) as throttled:
        project.run(5)
    assert throttled.value.retry_after == 30
    assert len(devops.asked(*READ)) == 1, "a long wait is the caller's"


def test_the_token_is_nowhere_in_an_error(devops: Server, project: Project) -> None:
    secret, devops.token = devops.token, "another"
    with pytest.raises(Denied) as denied:
        project.run(5)
    assert secret not in f"{denied.value!r} {denied.value.__dict__}"


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_DEVOPS_EXT_PAT", "token")
    with pytest.raises(Unavailable, match="could not be reached"):
        Project.connect(Place("http://127.0.0.1:1/org", "line")).run(5)


def test_a_token_does_not_travel_in_the_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_DEVOPS_EXT_PAT", "token")
    with pytest.raises(Denied, match="must begin with https"):
        Project.connect(Place("http://dev.azure.invalid/org", "line")).run(5)


def test_many_threads_share_a_project(devops: Server, project: Project) -> None:
    devops.started(5, {})
    failed: list[BaseException] = []

    def read() -> None:
        try:
            for _ in range(10):
                assert project.run(5).id == 5
        except BaseException as fault:
            failed.append(fault)

    threads = [Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed
    assert len(devops.asked(*READ)) == 80
