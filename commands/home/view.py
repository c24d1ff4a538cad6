"""The Home tab of one person, from the store; only the addresses of cards are asked of Slack."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from commands.deploy.facts import gates_passed
from commands.deploy.parts import what
from commands.deploy.question import to_decide
from commands.deploy.record import approvers, card_key
from commands.deploy.state_words import standing as standing_of_rollout
from commands.digest.listing import on_home
from commands.kit.blocks import Block, actions, button, context, divider, header, section
from commands.kit.people import Person
from commands.kit.services import Services
from commands.kit.words import code, count, duration, esc, metric, when
from commands.models.messages import line
from commands.models.where import on_the_lines
from commands.publish.messages import standing as standing_of
from commands.runs.command import DETAILS
from commands.spotter.command import standing
from commands.train.messages import best, phase
from storage import catalog, deployments, messages, publishes, runs
from storage.deployments import Decision, Deployment
from storage.runs import TrainingRun

SHOWN, MOST_LINES, MOST_BLOCKS = 5, 12, 100
START = "train.start"

Places = Mapping[str, tuple[str, str]]
"""Channel and ts of messages by their key."""


def home(person: Person, services: Services) -> dict[str, Any]:
    """The view for `views.publish`."""
    now = services.clock.now()
    with services.store.read() as tx:
        training = runs.open_briefly(tx)
        newest = runs.these(tx, training[:SHOWN])
        publishing = publishes.open_runs(tx)[::-1]
        ended = runs.recent(tx, SHOWN)
        models = catalog.latest_models(tx, limit=SHOWN)
        lines = on_the_lines(tx)
        asked = deployments.in_states(tx, ["waiting"])
        decided = deployments.decisions_on_each(tx, asked)
        rollouts = deployments.in_states(tx, deployments.UNDER_WAY, evidence=False)
        cards = messages.places(tx, [card_key(each) for each in (*asked, *rollouts)])
    blocks: list[Block] = _for_me([(each, decided[each.id]) for each in asked], cards, person, services)
    running = len(training) + len(publishing) + len(rollouts)
    blocks += [header(f"{running} running" if running else "Nothing is running")]
    for rollout in rollouts[:SHOWN]:
        blocks.append(section(_rollout(rollout, cards, services, now)))
    for run in newest:
        leader = best(run)
        figure = f", best mAP {metric(leader['mean_average_precision'])}" if leader else ""
        text = f"*{esc(run.model_name)}*: {phase(run)}{figure}\n{code(run.dataset)} on {code(run.cluster)}"
        blocks.append(
            section(f"{text}, for {duration(now - run.requested_at)}", button("Details", DETAILS, run.id))
        )
    for publish in publishing[:SHOWN]:
        text = f"*Publishing {esc(publish.branch)}*: {esc(standing_of(publish))}"
        blocks.append(
            section(
                f"{text}, for {duration(now - publish.requested_at)}", button("Details", DETAILS, publish.id)
            )
        )
    if more := sum(max(len(each) - SHOWN, 0) for each in (rollouts, training, publishing)):
        blocks.append(context(f"and {more} more: type `/runs`"))
    if not running:
        blocks.append(section("Trainings show up here with their trials and the best result so far."))
    if services.people.surely_may(person, "train"):
        blocks.append(actions(button("Start a training", START, style="primary")))
    if lines:
        blocks += [divider(), header("Models on the line"), *lines[:MOST_LINES]]
    if len(lines) > MOST_LINES:
        blocks.append(context(f"and {count(len(lines) - MOST_LINES, 'target')} more: type `/models`"))
    blocks += [divider(), header("Models")]
    blocks += [section(line(model)) for model in models] or [
        section("The first model that is registered shows up here.")
    ]
    if ended:
        blocks += [divider(), header("Ended last")]
        blocks += [section(_ended(run), button("Details", DETAILS, run.id)) for run in ended]
    if digests := on_home(person, services):
        blocks += [divider(), header("Digests"), *digests]
    foot = [divider(), section(standing(services)), context(f"Updated {when(now)}")]
    return {"type": "home", "blocks": [*blocks[: MOST_BLOCKS - len(foot)], *foot]}


def _for_me(
    waiting: Sequence[tuple[Deployment, list[Decision]]], cards: Places, person: Person, services: Services
) -> list[Block]:
    """The questions that this person may answer and has not answered."""
    blocks: list[Block] = []
    number = 0
    for deployment, decided in waiting:
        target = services.policy.targets.get(deployment.target)
        if target is None or person.id in (deployment.requested_by, *(each.person for each in decided)):
            continue
        approves = services.people.surely_among(person, approvers(target, services))
        needs_override = not gates_passed(deployment) and all(each.verdict != "override" for each in decided)
        if approves or (needs_override and services.people.surely_among(person, target.override)):
            number += 1
            if number <= SHOWN:
                address = _address(deployment, cards, services)
                blocks += to_decide(deployment, decided, address, override_only=not approves)
    if not blocks:
        return []
    more = number - SHOWN
    return [
        header(f"{count(number, 'decision')} {'needs' if number == 1 else 'need'} you"),
        *blocks,
        *(
            [context(f"and {more} more, each in the channel of its target: answer these first")]
            if more > 0
            else []
        ),
        divider(),
    ]


def _rollout(deployment: Deployment, cards: Places, services: Services, now: datetime) -> str:
    since = f", for {duration(now - deployment.decided_at)}" if deployment.decided_at else ""
    address = _address(deployment, cards, services)
    card = f"\n<{address}|Its card in the channel>" if address else ""
    return f"*{esc(what(deployment))}*: {standing_of_rollout(deployment)}{since}{card}"


def _address(deployment: Deployment, cards: Places, services: Services) -> str | None:
    """Of its card in the channel."""
    place = cards.get(card_key(deployment))
    return services.people.link_to(*place) if place else None


def _ended(run: TrainingRun) -> str:
    what = f"v{run.registered_version} registered" if run.state == "registered" else run.state
    return f"*{esc(run.model_name)}*: {what}, {when(run.ended_at or run.requested_at)}"
