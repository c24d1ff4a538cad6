"""What may be queued: parameters of that branch's YAML, resources that are there, YAML that is served."""

import pytest

from .conftest import PUBLISH, DevOps

NEEDS = """
trigger: none
parameters:
  - {name: target, type: string}
  - {name: count, type: number, default: 2}
steps:
  - script: echo ${{ parameters.target }} ${{ parameters.count }}
"""


def test_parameters_must_be_declared_and_fit(devops: DevOps, publish: int) -> None:
    for given, said in (
        ({"nope": "1"}, "Unexpected parameter 'nope'"),
        ({"size": "huge"}, "The 'size' parameter value 'huge' is not a valid value."),
        ({"dry": "perhaps"}, "The 'dry' parameter value 'perhaps' is not a valid Boolean."),
        ({"size": ["small"]}, "Unable to convert from Array to String. Value: Array"),
    ):
        answer = devops.run(publish, **given)
        assert answer.status_code == 400
        assert answer.json()["typeKey"] == "PipelineValidationException"
        assert answer.json()["message"].endswith(said)


def test_a_missing_value_is_told_in_the_validation_results(devops: DevOps) -> None:
    devops.push(needs_yml=NEEDS)
    pipeline = devops.create("needs", "needs.yml")
    answer = devops.run(pipeline, count="3")
    assert answer.status_code == 400
    assert answer.json()["typeKey"] == "BuildRequestValidationFailedException"
    results = answer.json()["customProperties"]["ValidationResults"]
    assert [result["message"] for result in results] == [
        "A value for the 'target' parameter must be provided."
    ]
    wrong = devops.run(pipeline, target="line", count="many")
    assert wrong.json()["message"] == "The 'count' parameter value 'many' is not a valid Number."
    number = devops.run(pipeline, TARGET="line", count="3").json()["id"]
    devops.ended(number, "succeeded")
    assert "line 3" in devops.log_of(number)


def test_the_branch_decides_which_parameters_there_are(devops: DevOps, publish: int) -> None:
    devops.push("old", publish_yml=PUBLISH.replace("correlationId", "otherName"))
    devops.push(publish_yml=PUBLISH)
    assert devops.run(publish, "old", correlationId="c").status_code == 400
    assert devops.run(publish, "old", otherName="c").status_code == 200
    nowhere = devops.run(publish, "nowhere")
    assert nowhere.status_code == 400
    assert "refs/heads/nowhere" in nowhere.json()["message"]


def test_bodies_that_the_service_refuses(devops: DevOps, publish: int) -> None:
    empty = devops.post(f"/pipelines/{publish}/runs", None)
    assert empty.status_code == 400
    assert "runParameters" in empty.json()["message"]
    variables = devops.post(f"/pipelines/{publish}/runs", {"variables": {"PLANT": {"value": "other"}}})
    assert "You can't set the following variables (PLANT)" in variables.json()["message"]
    twice = {"name": "Publish", "configuration": {"type": "yaml", "path": "publish.yml"}}
    twice["configuration"]["repository"] = {"name": "vision", "type": "azureReposGit"}  # type: ignore[index]  # a dict
    assert devops.post("/pipelines", twice).status_code == 409
    dry = devops.post(f"/pipelines/{publish}/runs", {"previewRun": True})
    assert "stage: Publish" in dry.json()["finalYaml"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("steps:\n  - powershell: dir\n", "(Line: 2, Col: 5): The sandbox does not serve 'powershell'"),
        ("steps:\n  - task: Docker@2\n", "(Line: 2, Col: 11): The sandbox does not serve the task Docker@2"),
        ("steps:\n  - script: echo\n    colour: red\n", "(Line: 3, Col: 5): Unexpected value 'colour'"),
        ("steps:\n  - script: echo ${{ parameters.x", None),
        ("steps:\n  - script: echo ${{ nope.x }}\n", "(Line: 2, Col: 13): Unrecognized value: 'nope'"),
        ("jobs:\n  - job: a\n    dependsOn: b\n    steps: [{script: echo}]\n", "Job a depends on unknown job b."),
        ("variables:\n  - group: secrets\nsteps: []\n", "(Line: 2, Col: 5): The sandbox does not serve 'group'"),
        ("steps:\n  - ${{ if true }}:\n    - script: echo\n", "The sandbox does not serve '${{ if true }}'"),
        ("steps:\n  - script: a\n    condition: eq(dependencies.x, 1)\n", "(Line: 3, Col: 16): Unrecognized value"),
        ("trigger: {batch: true}\nsteps: []\n", "(Line: 1, Col: 11): The sandbox does not serve 'batch'"),
        ("steps: [{script: a}\n", "(Line: 2, Col: 1)"),
        ("jobs:\n  - deployment: d\n    environment: nowhere\n    strategy: {runOnce: {deploy: {steps: []}}}\n",
         "Job d: Environment nowhere could not be found."),
        ("pool: {name: Own}\nsteps: []\n", "Could not find a pool with name Own."),
        ("jobs:\n  - deployment: d\n    strategy: {}\n", "Job d: A deployment needs an environment."),
    ],
)  # fmt: skip
def test_yaml_outside_of_the_subset_is_refused_by_its_line(
    devops: DevOps, text: str, said: str | None
) -> None:
    devops.push(trial_yml="trigger: none\n" + text if said is None else text)
    pipelines = {p["name"]: p["id"] for p in devops.get("/pipelines")["value"]}
    pipeline = pipelines.get("trial") or devops.create("trial", "trial.yml")
    answer = devops.run(pipeline)
    if said is None:
        assert answer.status_code == 200
        return
    assert answer.status_code == 400
    assert said in answer.json()["message"]


def test_a_push_starts_what_it_triggers(devops: DevOps, publish: int) -> None:
    def started() -> list[int]:
        builds = devops.get(f"/build/builds?definitions={publish}&reasonFilter=individualCI")["value"]
        return [build["id"] for build in builds]

    before = started()
    devops.push(training__pipeline_txt="another\n")
    fresh = [number for number in started() if number not in before]
    assert len(fresh) == 1
    assert "another" in devops.log_of(devops.ended(fresh[0], "succeeded")["id"])
    devops.push(readme_md="nothing that matters\n")
    devops.push("feature", training__pipeline_txt="on a branch\n")
    assert len(started()) == len(before) + 1
