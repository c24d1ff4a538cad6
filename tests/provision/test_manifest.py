"""`spotter manifest` prints what Slack accepts."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft7Validator  # type: ignore[import-untyped]  # it ships no types

from bot.cli import main

SLACK = Draft7Validator(json.loads(Path(__file__).with_name("slack_manifest.json").read_text()))
PUBLIC = "https://spotter.example/slack/events"


def printed(*arguments: str) -> dict[str, Any]:
    done = CliRunner().invoke(main, ["manifest", *arguments])
    assert done.exit_code == 0, done.output
    manifest = json.loads(done.output)
    assert isinstance(manifest, dict)
    return manifest


def errors(manifest: dict[str, Any]) -> list[str]:
    return [error.message for error in SLACK.iter_errors(manifest)]


@pytest.mark.parametrize("arguments", [[], ["--request-url", PUBLIC]], ids=["socket mode", "http mode"])
def test_slack_accepts_it(arguments: list[str]) -> None:
    assert errors(printed(*arguments)) == []


def test_commands_are_declared_once() -> None:
    commands = [entry["command"] for entry in printed()["features"]["slash_commands"]]
    assert len(commands) == len(set(commands)) > 0


def test_socket_mode_needs_no_address_and_http_mode_is_given_one_everywhere() -> None:
    assert "https://" not in json.dumps(printed())
    over_http = printed("--request-url", PUBLIC)
    assert not over_http["settings"]["socket_mode_enabled"]
    assert over_http["settings"]["interactivity"]["request_url"] == PUBLIC
    assert over_http["settings"]["event_subscriptions"]["request_url"] == PUBLIC


def long_name(manifest: dict[str, Any]) -> None:
    manifest["display_information"]["name"] = "x" * 36


def no_slash(manifest: dict[str, Any]) -> None:
    manifest["features"]["slash_commands"][0]["command"] = "train"


def no_description(manifest: dict[str, Any]) -> None:
    del manifest["features"]["slash_commands"][0]["description"]


def unknown_setting(manifest: dict[str, Any]) -> None:
    manifest["settings"]["is_magic"] = True


@pytest.mark.parametrize("spoil", [long_name, no_slash, no_description, unknown_setting])
def test_what_slack_refuses_is_found(spoil: Callable[[dict[str, Any]], None]) -> None:
    spoiled = copy.deepcopy(printed())
    spoil(spoiled)
    assert errors(spoiled)
