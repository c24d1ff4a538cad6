"""Spotter asks for no more than it needs, and says so where it was given more."""

from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from bot.doctor.azure import ACCOUNT, BLOBS, DATA_SCIENTIST, OWNS_BLOBS, READ_BLOBS, TOO_MUCH, TOO_MUCH_STORED
from bot.doctor.checkup import examine
from bot.doctor.slack import SlackCheckup
from bot.settings import SlackSettings
from infra.azureml.permissions import Granted, Permissions
from sandbox.azure.arm.permissions import DATA_SCIENTIST as BUILT_IN
from tests.bot.conftest import Desk, desk

__all__ = ["desk"]


def test_more_scopes_than_it_needs_are_named(desk: Desk) -> None:
    settings = SlackSettings(
        slack_bot_token=SecretStr(desk.client.token or ""),
        slack_signing_secret=SecretStr("0" * 32),
        slack_api_url=desk.client.base_url,
    )

    def verdict() -> tuple[str, str]:
        service = SlackCheckup(settings, None, lambda: datetime.now(UTC)).service()
        found = next(each for each in examine([service], 30) if each.key == "scopes")
        return found.verdict.state, found.verdict.seen

    assert verdict()[0] == "ok"
    desk.slack.app.scopes.append("chat:write.public")
    state, seen = verdict()
    assert (state, seen[-18:]) == ("warning", "chat:write.public.")


@pytest.mark.parametrize("action", TOO_MUCH)
def test_what_is_too_much_is_not_in_the_role_that_it_wants_but_in_wider_ones(action: str) -> None:
    assert DATA_SCIENTIST == "AzureML Data Scientist"
    wanted = Granted(tuple(BUILT_IN["actions"]), tuple(BUILT_IN["notActions"]))
    assert not Permissions((wanted,)).allow(action)
    assert Permissions((wanted, Granted(("*",)))).allow(action)


@pytest.mark.parametrize("action", TOO_MUCH_STORED)
def test_what_is_too_much_for_storage_comes_with_wider_roles_alone(action: str) -> None:
    """Those of Storage Blob Data Reader, and of Contributor on the account."""
    reader = Granted((f"{ACCOUNT}/blobServices/containers/read",), data_actions=(READ_BLOBS,))
    contributor = Granted(
        ("*",), not_actions=("Microsoft.Authorization/*/Write", "Microsoft.Authorization/*/Delete")
    )
    assert not Permissions((reader,)).allow(action)
    assert Permissions((reader, contributor)).allow(action) == action.startswith(ACCOUNT)
    assert Permissions((Granted(("*",)),)).allow(action)


def test_an_owner_of_all_files_is_told_apart() -> None:
    owner = Granted((f"{ACCOUNT}/blobServices/containers/*",), data_actions=(f"{BLOBS}/*",))
    writer = Granted(
        data_actions=tuple(f"{BLOBS}/{act}" for act in ("read", "write", "delete", "add/action"))
    )
    assert Permissions((owner,)).allow_data(OWNS_BLOBS)
    assert not Permissions((writer,)).allow_data(OWNS_BLOBS)
