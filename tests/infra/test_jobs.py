import pytest

from infra.azureml.components import Component
from infra.azureml.errors import NameTaken, Refused, Throttled, Unavailable, Unclear
from infra.azureml.jobs import Training
from infra.azureml.workspace import Workspace
from sandbox.faults import Fault
from tests.infra.answers import WORKSPACE, Answers

PUBLISHED = Component(f"{WORKSPACE.path}/components/spotter_training/versions/7", "spotter_training", "7")
TRAINING = Training(
    name="caps-20261122-3f9a",
    request_id="3f9a",
    model_name="Caps",
    export_name="caps_20261120_093011",
    export_version="1",
    cluster="gpu-cluster",
    experiment="spotter",
    requested_by="U1",
    component=PUBLISHED,
)
JOB = "./jobs/caps-20261122-3f9a"
EXISTS = {
    "error": {
        "code": "UserError",
        "message": "A job with this name already exists.",
        "innererror": {"code": "JobPropertyImmutable"},
    }
}


def body(request: str = "3f9a", status: str = "NotStarted") -> dict[str, object]:
    return {
        "name": TRAINING.name,
        "properties": {
            "status": status,
            "jobType": "Pipeline",
            "tags": {"spotter_request": request},
            "services": {"Studio": {"endpoint": "https://ml.azure.com/runs/x"}},
        },
        "systemData": {"createdAt": "2026-11-22T10:00:00.1234567+00:00"},
    }


def test_a_job_is_made_with_one_put(azure: Answers, workspace: Workspace) -> None:
    azure.says("PUT", JOB, body(), 201)
    job = workspace.submit(TRAINING)
    assert (job.name, job.status, job.request_id) == (TRAINING.name, "NotStarted", "3f9a")
    assert job.studio_url == "https://ml.azure.com/runs/x"
    assert len(azure.asked("*", "/jobs/")) == 1
    sent = azure.sent("PUT", "/jobs/")["properties"]
    assert sent["componentId"] == PUBLISHED.id
    assert sent["inputs"]["training_data"]["uri"].endswith("/data/caps_20261120_093011/versions/1")
    assert sent["settings"]["default_compute"] == f"{WORKSPACE.path}/computes/gpu-cluster"


def test_an_input_that_the_component_does_not_take_is_not_sent(azure: Answers, workspace: Workspace) -> None:
    azure.says("PUT", JOB, body(), 201)
    small = Component(
        PUBLISHED.id, "spotter_training", "7", inputs=frozenset({"model_name", "training_data"})
    )
    workspace.submit(Training(**{**vars(TRAINING), "component": small}))
    assert set(azure.sent("PUT", "/jobs/")["properties"]["inputs"]) == {"model_name", "training_data"}


@pytest.mark.parametrize("action", ["drop_after", "drop_before"])
def test_a_lost_answer_is_settled_by_asking_again(azure: Answers, workspace: Workspace, action: str) -> None:
    azure.says("PUT", JOB, body(), 201)
    azure.faults.arm(Fault("PUT", "/jobs/", action, times=1))  # type: ignore[arg-type]  # parametrised
    assert workspace.submit(TRAINING).name == TRAINING.name


def test_answers_lost_for_good_are_looked_up(azure: Answers, workspace: Workspace) -> None:
    azure.says("PUT", JOB, body(), 201)
    azure.says("GET", JOB, body(status="Running"))
    azure.faults.arm(Fault("PUT", "/jobs/", "drop_after", times=9))
    assert workspace.submit(TRAINING).status == "Running"


def test_a_job_that_cannot_be_seen_after_a_lost_answer_is_unclear(
    azure: Answers, workspace: Workspace
) -> None:
    azure.faults.arm(Fault("PUT", "/jobs/", "drop_after", times=9))
    with pytest.raises(Unclear):
        workspace.submit(TRAINING)


@pytest.mark.parametrize("status", [400, 409])
def test_a_job_of_ours_that_exists_is_success(azure: Answers, workspace: Workspace, status: int) -> None:
    azure.says("PUT", JOB, EXISTS, status)
    azure.says("GET", JOB, body(status="Queued"))
    assert workspace.submit(TRAINING).status == "Queued"


def test_a_job_of_someone_else_is_not_taken_for_ours(azure: Answers, workspace: Workspace) -> None:
    azure.says("PUT", JOB, EXISTS, 400)
    azure.says("GET", JOB, body(request="other"))
    with pytest.raises(NameTaken):
        workspace.submit(TRAINING)
    azure.says("PUT", JOB, body(request="other"))
    with pytest.raises(NameTaken):
        workspace.submit(TRAINING)


def test_a_refusal_is_not_repeated(azure: Answers, workspace: Workspace) -> None:
    azure.says("PUT", JOB, {"error": {"code": "UserError", "message": "Compute not found"}}, 400)
    with pytest.raises(Refused, match="Compute not found"):
        workspace.submit(TRAINING)
    assert len(azure.asked("PUT", "/jobs/")) == 1


def test_a_long_wait_goes_back_to_the_caller(azure: Answers, workspace: Workspace) -> None:
    azure.faults.arm(Fault("PUT", "/jobs/", "answer", status=429, headers={"Retry-After": "40"}))
    with pytest.raises(Throttled) as throttled:
        workspace.submit(TRAINING)
    assert throttled.value.retry_after == 40
    assert len(azure.asked("PUT", "/jobs/")) == 1


def test_a_short_wait_is_waited_for(azure: Answers, workspace: Workspace) -> None:
    azure.says("GET", "./jobs", {"value": [body()]})
    azure.faults.arm(Fault("GET", "/jobs", "answer", status=429, headers={"Retry-After": "0"}))
    azure.faults.arm(Fault("GET", "/jobs", "answer", status=503))
    assert [job.name for job in workspace.training_jobs()] == [TRAINING.name]


def test_an_azure_that_stays_down_is_unavailable(azure: Answers, workspace: Workspace) -> None:
    azure.faults.arm(Fault("GET", "/jobs", "answer", status=503, times=9))
    with pytest.raises(Unavailable):
        list(workspace.training_jobs())


def test_the_list_keeps_its_filter_over_pages_and_leaves_other_jobs_out(
    azure: Answers, workspace: Workspace
) -> None:
    foreign = {"name": "theirs", "properties": {"status": "Running", "tags": None}}
    more = f"{azure.url}{WORKSPACE.path}/more?tag=spotter_request"
    azure.says("GET", "./jobs", {"value": [body(), foreign, {}], "nextLink": more})
    azure.says("GET", "./more", {"value": [body("4b1c", "Never heard of")], "nextLink": more})
    jobs = list(workspace.training_jobs())
    assert [(job.request_id, job.status, job.has_ended) for job in jobs] == [
        ("3f9a", "NotStarted", False),
        ("4b1c", "Never heard of", False),
    ]
    assert "tag=spotter_request" in azure.asked("GET", "/jobs")[0]


def test_cancel_asks_once_and_does_not_wait(azure: Answers, workspace: Workspace) -> None:
    azure.says("POST", f"{JOB}/cancel", b"", 202)
    workspace.cancel(TRAINING.name)
    assert len(azure.asked("*", "/jobs/")) == 1


def test_a_list_that_goes_on_at_another_host_is_not_followed_there(
    azure: Answers, workspace: Workspace
) -> None:
    azure.says("GET", "./jobs", {"value": [body()], "nextLink": "https://elsewhere.example/jobs"})
    with pytest.raises(Refused, match="another host"):
        list(workspace.training_jobs())
