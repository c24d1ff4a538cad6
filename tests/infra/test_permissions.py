"""How Azure's role definitions are read."""

import pytest

from infra.azureml.permissions import Granted, Permissions

ML = "Microsoft.MachineLearningServices/workspaces"
DATA_SCIENTIST = Granted(
    actions=(f"{ML}/*/read", f"{ML}/*/action", f"{ML}/*/delete", f"{ML}/*/write"),
    not_actions=(f"{ML}/delete", f"{ML}/write", f"{ML}/computes/*/write", f"{ML}/listKeys/action"),
)
READER = Granted(actions=("*/read",))
BLOB = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"


@pytest.mark.parametrize(
    ("action", "allowed"),
    [
        (f"{ML}/read", True),
        (f"{ML}/jobs/write", True),
        (f"{ML.lower()}/jobs/cancel/action", True),
        (f"{ML}/data/versions/read", True),
        (f"{ML}/write", False),
        (f"{ML}/computes/write", False),
        (f"{ML}/computes/listNodes/action", True),
        (f"{ML}/listKeys/action", False),
        ("Microsoft.MachineLearningServices/workspacesX/read", False),
        ("Microsoft.Storage/storageAccounts/read", False),
    ],
)
def test_a_data_scientist_may_submit_jobs_and_make_no_cluster(action: str, allowed: bool) -> None:
    assert Permissions((DATA_SCIENTIST,)).allow(action) is allowed


def test_what_one_role_leaves_out_another_one_gives() -> None:
    owner = Granted(actions=("*",))
    assert Permissions((DATA_SCIENTIST, owner)).allow(f"{ML}/computes/write")
    assert Permissions((READER,)).allow(f"{ML}/jobs/read")
    assert not Permissions((READER,)).allow(f"{ML}/jobs/write")


def test_the_content_of_a_resource_is_another_matter_than_the_resource() -> None:
    owner = Granted(actions=("*",))
    reader = Granted(data_actions=("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*",))
    assert not Permissions((owner,)).allow_data(BLOB)
    assert Permissions((owner, reader)).allow_data(BLOB)
    without = Granted(data_actions=("*",), not_data_actions=(BLOB.lower(),))
    assert not Permissions((without,)).allow_data(BLOB)
