"""The catalogue against sentences as Azure writes them; the spelling mistakes are Azure's."""

import pytest

from infra.azureml.faults import Fault
from infra.azureml.runs import RunError
from infra.failures.explain import LONGEST_RAW, catalogue, explain, explain_fault

SENTENCES = {
    "family-quota-below-one-node": "The specified subscription has a standardNCASv3_T4Family family vCPU quota of 0 and"
    " cannot accomodate for at least 1 requested managed compute node which maps to 4 vCPUs.",
    "quota-below-smallest": "Code: ClusterMinNodesExceedCoreQuota",
    "total-quota-below-one-node": "The specified subscription has a total vCPU quota of 10 and cannot do this.",
    "more-nodes-than-quota": "the total quota is less than the requested job node count of 5.",
    "quota-in-use": "ClusterCoreQuotaReached: waiting for nodes",
    "low-priority-quota": "Operation results in exceeding approved LowPriorityCores quota. Details: …",
    "too-many-computes": "This request is exceeding quota limits of Microsoft.Batchlusters",
    "no-capacity": "AllocationFailed: Desired number of dedicated nodes could not be allocated",
    "unusable-node": "The compute encountered an unusable node and was stopped.",
    "preempted": "Nodes of this job got pre-empted. Please resubmit.",
    "cluster-gone": "AzureMLCompute cluster gpu-cluster does not exist.",
    "image-build-failed": "Image build failed. For more details, check log file",
    "build-cluster-gone": "ScriptTask failed with: Unknown compute target 'cpu-build'",
    "registry-refuses": "AcrRefreshTokenRetrievalError: please check if compute identity has access to ACR",
    "gpu-memory": "There is not enough GPU memory on the machine to do the operation. Please try a smaller batch.",
    "gpu-too-small": "mem_info_total:(7981.0 MB) is smaller than min_gpu_mem:(11400.0 MB)",
    "gpu-busy": "Please free some GPU RAM before submitting the run",
    "shared-memory": "There is not enough shared memory on the machine to do the operation.",
    "gpu-hardware": "Potential temporary hardware failure - please resubmit the run.",
    "mltable-missing": "Not able to find MLTable file from the MLTable folder",
    "mltable-malformed": "Invalid MLTable: paths",
    "image-column-missing": "Image URL column 'image_url' is not present in the dataset.",
    "image-column-type": "The data type of image URL column 'image_url' is DataType.STRING, but it should be STREAM.",
    "images-unreachable": "Could not mount datastore.",
    "images-outside": "Reading directly from the wasbs protocol is not supported.",
    "boxes-ill-formed": "All annotations provided are ill-formed.",
    "labels-ill-formed": "The label should be a dictionary. Found type str",
    "no-objects": "No objects in dataset. Please ensure that at least one image has one or more objects",
    "validation-empty": "No non-crowd evaluation ground truth bounding boxes found, check input jsonl",
    "json": "Json decoding error in line no: 17",
    "timeout": "Experiment timeout reached, skipping execution of the child run and terminating the parent run.",
    "no-trials": "No child runs could be found for this parent run",
    "automl-throttled": "Too many request to AutoML. Request got thottled.",
    "storage-sign-in": "Error Code: ScriptExecution.StreamAccess.Authentication",
    "storage-network": "ScriptExecution.StreamAccess.Authentication.AzureIdentityAccessTokenResolution"
    ".NetworkIsolationViolated",
    "storage-path": "Error Code: ScriptExecution.StreamAccess.NotFound",
    "storage-no-identity": "ScriptExecution.StreamAccess.Unexpected … CredentialUnavailableError(…)",
    "storage-write": "ScriptExecution.WriteStreams.Authentication PermissionDenied",
    "no-role": "The client 'x' with object id 'y' does not have authorization to perform action"
    " 'Microsoft.MachineLearningServices/workspaces/models/write' over scope '/subscriptions/1'.",
    "no-managed-identity": "ManagedIdentityCredential authentication unavailable, no response from the IMDS endpoint.",
    "throttled-for": "The request was throttled. Please try again after '34' seconds.",
    "version-deleted": "Model was deleted at 2026, it cannot be recreated. Please try again with a different version.",
    "version-taken": "The asset with version 7 cannot be replaced or updated without increasing the version.",
    "no-artifacts": "(NoMatchingArtifactsFoundFromJob) No artifacts matching outputs found from Job",
    "name-exists": "A job with this name already exists. If you are trying to create a new job, use a different name.",
}


@pytest.mark.parametrize("reason", SENTENCES)
def test_azures_sentence_is_known(reason: str) -> None:
    found = explain([SENTENCES[reason]])
    assert found.reason == reason
    assert found.cause.endswith((".", "…"))
    assert found.remedy
    assert "{" not in found.cause + found.remedy


def test_numbers_and_names_reach_the_sentence() -> None:
    found = explain([SENTENCES["family-quota-below-one-node"]])
    assert found.cause == (
        "The subscription allows 0 vCPUs of the family standardNCASv3_T4Family, too few for even one node."
    )
    assert explain([SENTENCES["json"]]).cause == "Line 17 of the annotations is not JSON."
    assert "models/write on /subscriptions/1" in explain([SENTENCES["no-role"]]).cause


def test_what_is_known_wins_over_a_deeper_message_that_is_not() -> None:
    found = explain(["Process exited with code 1", "CUDA out of memory. Tried to allocate 20 MiB"])
    assert found.reason == "gpu-memory"


def test_words_that_point_deeper_lose() -> None:
    parent = "User errors were found in at least one of the child runs"
    assert explain([parent]).reason == "some-trial-failed"
    assert explain([parent, "All annotations provided are ill-formed."]).reason == "boxes-ill-formed"


def test_hidden_messages_are_told_by_codes_or_by_the_log() -> None:
    hidden = RunError(("UserError", "ResourceExhausted", "Memory"), "[Hidden as it may contain PII]")
    assert explain_fault(Fault("r", "trial", (hidden,))).reason == "gpu-memory"
    internal = RunError(("SystemError",), "Encountered an internal AutoML Image error")
    logged = explain_fault(Fault("r", "trial", (internal,), last_lines=("x", "Could not mount datastore")))
    assert logged.reason == "images-unreachable"
    data = RunError(("UserError", "InvalidData", "ValidationError", "InvalidData"), "")
    assert explain_fault(Fault("r", "trial", (data,))).reason == "data-refused"


def test_preemption_is_not_blamed_on_a_person() -> None:
    found = explain([""], ["UserError", "PreemptionError"])
    assert (found.reason, found.ours, found.again) == ("preempted", False, True)


def test_an_unknown_message_passes_verbatim_and_shortened() -> None:
    found = explain(["The   flux\ncapacitor " + "hums " * 200], ["ServiceError"])
    assert not found.is_known
    assert found.cause.startswith("The flux capacitor hums")
    assert len(found.cause) <= LONGEST_RAW + 2
    assert (found.ours, found.again) == (False, True)
    assert explain(["What?"], ["UserError"]).ours


def test_nothing_said_is_said_so() -> None:
    assert explain([]).cause == "Azure gives no reason."


def test_every_reason_is_complete_and_named_once() -> None:
    ids = [reason.id for reason in catalogue()]
    assert len(ids) == len(set(ids))
    for reason in catalogue():
        assert reason.patterns or reason.codes, reason.id
        assert reason.cause.endswith(".") and reason.remedy.endswith("."), reason.id
