"""How a step speaks to its agent, and how jobs of a stage go beside and after each other."""

import re

from .conftest import DevOps

TALKING = """
trigger: none
variables:
  - {name: base, value: /$(folder)}
  - {name: folder, value: of-the-run}
jobs:
  - job: talks
    variables: {folder: of-the-job}
    steps:
      - bash: |
          echo "##vso[task.setvariable variable=colour]red"
          echo "##vso[task.setvariable variable=password;issecret=true]hush"
          echo "##vso[task.logissue type=warning]the lamp is old"
          echo "##vso[build.addbuildtag]lit"
          echo "##vso[task.setprogress value=40;]"
          echo "##vso[artifact.upload]nothing"
          echo 'unset here: $(colour)'
        displayName: Tell
      - bash: |
          echo "then $(colour) and $COLOUR, secret $(password) but ${PASSWORD:-not in the environment}"
          echo "mapped ${MAPPED} in $PWD, token ${SYSTEM_ACCESSTOKEN:-none}, $(base)" '$(unknown)'
        displayName: Use
        workingDirectory: training
        env: {MAPPED: $(colour)}
      - script: exit 5
        displayName: Stumble
        continueOnError: true
      - script: sleep 60
        displayName: Take too long
        timeoutInMinutes: 1
        continueOnError: true
      - script: echo never
        displayName: Off
        enabled: false
  - job: beside
    pool: {vmImage: ubuntu-latest}
    steps:
      - checkout: none
      - bash: ls | wc -l
        displayName: Count
  - job: after
    dependsOn: [talks, beside]
    condition: and(succeeded(), eq(variables['Build.Reason'], 'Manual'))
    steps: [{bash: echo "after both"}]
  - job: not_wanted
    dependsOn: beside
    condition: failed()
    steps: [{bash: echo never}]
"""
ENDLESS = """
trigger: none
jobs:
  - job: endless
    timeoutInMinutes: 1
    steps: [{script: sleep 60, displayName: Sleep}]
"""


def test_steps_talk_to_their_agent(devops: DevOps) -> None:
    devops.push(talking_yml=TALKING)
    number = devops.run(devops.create("talking", "talking.yml")).json()["id"]
    build = devops.ended(number, "partiallySucceeded")
    assert build["tags"] == ["lit"]
    said = devops.log_of(number)
    assert "unset here: $(colour)" in said
    assert "then red and red, secret *** but not in the environment" in said
    assert "mapped red in " in said
    assert "/s/training, token none, /of-the-job $(unknown)" in said
    assert "hush" not in said.replace("##vso[task.setvariable variable=password;issecret=true]hush", "")
    assert "Unable to process command '##vso[artifact.upload]nothing'" in said
    tell = devops.record(number, "Task", "Tell")
    assert [issue["message"] for issue in tell["issues"]] == ["the lamp is old"]
    assert tell["warningCount"] == 1
    results = {r["name"]: r["result"] for r in devops.records(number) if r["type"] in ("Task", "Job")}
    assert results["Stumble"] == results["Take too long"] == results["talks"] == "succeededWithIssues"
    assert results["Off"] == results["not_wanted"] == "skipped"
    assert results["after"] == "succeeded"
    assert "never" not in said
    late = devops.record(number, "Task", "Take too long")
    assert late["issues"][0]["message"] == "The task has timed out after 1 minutes."
    assert "Checkout" not in [r["name"].split()[0] for r in below(devops, number, "beside")]


def below(devops: DevOps, number: int, job: str) -> list[dict[str, str]]:
    parent = devops.record(number, "Job", job)["id"]
    return [record for record in devops.records(number) if record["parentId"] == parent]


def test_a_job_ends_with_its_time(devops: DevOps) -> None:
    devops.push(endless_yml=ENDLESS)
    number = devops.run(devops.create("endless", "endless.yml")).json()["id"]
    devops.ended(number, "canceled")
    job = devops.record(number, "Job", "endless")
    assert "ran longer than the maximum time of 1 minutes" in job["issues"][0]["message"]
    assert devops.record(number, "Task", "Sleep")["result"] == "canceled"


def test_a_job_has_a_python_of_its_own(devops: DevOps) -> None:
    devops.push(python_yml=PYTHON)
    number = devops.run(devops.create("python", "python.yml")).json()["id"]
    devops.ended(number, "failed")
    said = devops.log_of(number)
    assert re.search(r"prefix /.+/jobs/.+/_python", said)
    assert "yaml is here" in said
    assert "spotter is installed" not in said
    wrong = devops.record(number, "Task", "Old")["issues"][0]["message"]
    assert "Version spec 3.1 for architecture x64 did not match any version" in wrong


PYTHON = """
trigger: none
steps:
  - task: UsePythonVersion@0
    inputs: {versionSpec: '>=3.11'}
  - bash: |
      python3 -c "import sys; print('prefix', sys.prefix)"
      python -c "import yaml; print('yaml is here')"
      command -v spotter && echo spotter is installed
      true
  - task: UsePythonVersion@0
    displayName: Old
    inputs: {versionSpec: '3.1'}
"""


def test_definitions_are_changed_by_revision_and_deleted(devops: DevOps, publish: int) -> None:
    number = devops.create("short-lived", "publish.yml")
    definition = devops.get(f"/build/definitions/{number}")
    changed = {**definition, "process": {"type": 2, "yamlFilename": "slow.yml"}}
    path = f"/build/definitions/{number}"
    assert devops.post(path, changed, "PUT").json()["revision"] == 2
    assert devops.get(f"/pipelines/{number}")["configuration"]["path"] == "slow.yml"
    assert devops.post(path, changed, "PUT").status_code == 409
    assert devops.post(path, None, "DELETE").status_code == 204
    assert devops.call("GET", f"/Vision/_apis/pipelines/{number}").status_code == 404
    assert devops.create("next", "publish.yml") > number
