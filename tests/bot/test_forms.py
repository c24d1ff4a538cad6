"""A form says what to do first where there is nothing to choose from; one that only asks, what is not there."""

from typing import Any

from commands.kit import forms
from commands.kit.command import Asked
from commands.kit.people import Person
from commands.kit.policy import Policy
from commands.kit.services import Services
from commands.train.command import train
from storage import catalog
from storage.catalog import ExportRow
from tests.abuse.counter import counter
from tests.bot.conftest import LINE, Desk

ASKED = Asked(Person("U0TRAINER1", "trainer"), LINE, "command:1")


def hints(services: Services) -> dict[str, str]:
    blocks: list[dict[str, Any]] = forms.modal(train, {}, ASKED, services)["blocks"]
    return {block["block_id"]: block["hint"]["text"] for block in blocks if "hint" in block}


def test_an_empty_workspace_is_told_where_exports_and_clusters_come_from(
    desk: Desk, services: Services
) -> None:
    empty = hints(services)
    assert "/exports exports the labels" in empty["dataset"]
    assert "creates a GPU cluster" in empty["cluster"]
    now = desk.clock.now()
    with desk.store.write() as tx:
        catalog.put_export(
            tx, ExportRow("caps_20261116_143000", "1", "mltable", now, None, None, None, None, now, True)
        )
    there = hints(services)
    assert there["dataset"] == "Newest first"
    assert there["cluster"] == empty["cluster"]


def test_a_form_that_only_asks_says_on_its_field_what_is_not_there_else_it_answers(
    desk: Desk, services: Services
) -> None:
    trainer = desk.slack._slack.workspace.person("U0TRAINER1")
    with counter(services, desk.slack, desk.client) as bot:
        bot.open(Policy())
        for form, field, told in (
            ("models", "name", "No registered model is called"),
            ("runs", "run", "No run is called"),
        ):
            refused = bot.deliver(bot.submitted(trainer, bot.view(form, {field: "lids & caps"})))
            assert f'"errors": {{"{field}": "{told} ' in refused.told
            assert "lids & caps" in refused.told
            answered = bot.deliver(bot.submitted(trainer, bot.view(form, {})))
            assert "errors" not in answered.told
            assert answered.calls == ["chat.postEphemeral"]
