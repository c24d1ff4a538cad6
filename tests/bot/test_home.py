"""Home, however much there is to tell."""

from dataclasses import replace

from commands.deploy.evidence import collect
from commands.home.view import home
from commands.kit.people import Person
from commands.kit.policy import Roles
from commands.kit.services import Services
from sandbox.slack.blocks import check_view
from storage import deployments, devices, publishes, runs
from tests.bot import busy_plant
from tests.bot.conftest import Desk

MANY = 60
FIGURES = {"mean_average_precision": 0.7, "precision": 0.8, "recall": 0.9, "evaluated_on": "caps:1"}
CANDIDATE = {"name": busy_plant.MODEL, "version": 5, "digest": "d", **FIGURES}
APPROVER = Person("U0APPROVE1", "first_approver")


def test_home_fits_into_slack_s_limits_with_very_many_of_everything(desk: Desk, services: Services) -> None:
    now = desk.clock.now()
    policy = busy_plant.POLICY.model_copy(update={"roles": Roles(approve=[APPROVER.id])})
    with desk.store.write() as tx:
        busy_plant.fill(tx, now)
        waiting = deployments.get(tx, "line-1-cap-5")
        run, publish = runs.get(tx, "early-1"), publishes.get(tx, "publish-1")
        assert waiting and run and publish
        found = collect(CANDIDATE, None, policy.targets["line-1"], {"all": ["line-1-cam-1"]})
        deployments.change(tx, waiting.id, evidence=found)
        for number in range(MANY):
            name = f"asked-{number}"
            asked = replace(waiting, id=name, request_id=name, model_version=10 + number, evidence=found)
            deployments.add(tx, asked)
            runs.add(tx, replace(run, id=f"run-{number}", request_id=f"run-{number}"))
            publishes.add(tx, replace(publish, id=f"publish-{number}", request_id=f"publish-{number}"))
        devices.keep(tx, [busy_plant.camera(f"line-{number}", number, "5", now) for number in range(MANY)])
    view = home(APPROVER, replace(services, policy=policy))
    check_view(view)
    shown = desk.people["trainer"].reader.blocks(view["blocks"])
    assert f"# {MANY + 1} decisions need you" in shown
    assert any(line.startswith(f"and {MANY - 4} more, each in the channel") for line in shown)
    assert any(line.startswith("Updated ") for line in shown), "what comes last is not cut off"


def test_slack_is_asked_for_the_address_of_a_card_once(desk: Desk, services: Services) -> None:
    desk.want("deploy:line-1", "Approve it?")
    desk.round()
    card = desk.state("deploy:line-1")
    assert card.ts
    addresses = {services.people.link_to(card.channel, card.ts) for _ in range(3)}
    assert len(addresses) == 1 and None not in addresses
    assert len(desk.slack.faults.log(path="/api/chat.getPermalink")) == 1
