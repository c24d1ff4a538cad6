"""`spotter provision`"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot import settings
from bot.commandline.options import config_option
from commands.kit import policy
from commands.kit.errors import UserError

if TYPE_CHECKING:
    from bot.commandline.provision_view import View
    from infra.setup.setup import Seen
    from infra.setup.step import Step

NOTHING_WANTED = UserError(
    "The policy does not say what to provision.",
    'Add a table [provision] with repository = "…", the repository in Azure Repos that holds Spotter\'s files.',
)


@click.group()
def provision() -> None:
    """Make what must stand in Azure and Azure DevOps before anyone can train."""


@provision.command()
@config_option
def plan(config: Path | None) -> None:
    """Show what stands, what differs and what would be made. Changes nothing."""
    from infra.setup import setup

    with _entered(config) as (view, steps):
        with view.looking():
            found = setup.look(steps)
        for seen in found:
            view.show(seen)
        to_make = any(seen.finding.make for seen in found)
        view.sum_up(found, "Make it: spotter provision apply" if to_make else _next(found))


@provision.command()
@config_option
def apply(config: Path | None) -> None:
    """Make what is missing and change what differs. May be broken off and run again at any time."""
    from infra.setup import setup

    with _entered(config) as (view, steps):
        with view.looking():
            before = setup.look(steps)
        after = []
        for seen in before:
            if seen.finding.state in ("missing", "differs", "waits"):
                with view.making(seen.step):
                    seen = setup.put_right(seen.step)
            view.show(seen)
            after.append(seen)
        view.sum_up(after, _next(after))
    if any(seen.finding.state == "failed" for seen in after):
        sys.exit(1)


def _next(found: "Sequence[Seen]") -> str:
    states = {seen.finding.state for seen in found}
    if "failed" in states:
        return "Put right what failed, then run this again: it goes on where it stands."
    if states & {"waits", "person"}:
        return "Run this again when that is done."
    return "All stands." if any(seen.done for seen in found) else "Nothing to change."


@contextmanager
def _entered(config: Path | None) -> Iterator[tuple["View", list["Step"]]]:
    """What to show on and all steps, in a world that has been entered; problems end the command with a sentence."""
    from bot.commandline.provision_view import View
    from infra.azureml.connection import Connection
    from infra.devops.project import Project
    from infra.http.errors import AzureError, Throttled, Unavailable, Unclear
    from infra.setup import setup, world

    try:
        rules = policy.load(config)
        wanted = rules.provision
        if wanted is None:
            raise NOTHING_WANTED
        place = settings.read_part(settings.DevOpsSettings).devops
        if place is None:
            raise UserError(
                "Where the pipelines are is not set.", "Set AZURE_DEVOPS_ORG_URL and AZURE_DEVOPS_PROJECT."
            )
        azure, devops = Connection.open(settings.read_workspace()), Project.connect(place)
        view = View()
        with view.looking():
            entered = world.enter(azure, devops, wanted.repository, rules.pipelines.branch)
        view.open(entered)
        names = setup.Pipelines(rules.pipelines.infrastructure, rules.pipelines.publish, rules.pipelines.edge)
        targets = {name: target.rings for name, target in rules.targets.items()}
        secret = settings.read_part(settings.HooksSettings).hooks_secret
        known = secret.get_secret_value() if secret else ""
        yield view, setup.steps(entered, wanted, names, targets, known)
    except world.NotThere as problem:
        sys.exit(f"spotter: {problem.message} {problem.next_step}")
    except (Unavailable, Throttled, Unclear) as trouble:
        sys.exit(f"spotter: {trouble} Run this again later: it goes on where things stand then.")
    except (UserError, AzureError) as problem:
        sys.exit(f"spotter: {problem}")
