"""What is said aloud for people to notice, mostly below a request's card."""

from collections.abc import Sequence

from commands.deploy.facts import not_passed
from commands.deploy.messages import goes_back_to
from commands.deploy.parts import RUN, what
from commands.deploy.state_words import ENDS
from commands.kit.blocks import Message, actions, link, section
from commands.kit.people import Person, mentions
from commands.kit.words import count, esc, listing, unmarked, when
from infra.devops.runs import Run
from storage.deployments import Decision, Deployment, in_favour


def overridden_aloud(deployment: Deployment, person: Person, reason: str) -> Message:
    """An override is no detail: the channel reads who did it, which gate did not pass, and why."""
    bad = not_passed(deployment)
    number = "a gate" if len(bad) == 1 else f"{len(bad)} gates"
    text = f"{person.name} overrides {number} for {what(deployment)}: {listing(bad)}"
    return Message(f"{esc(text)}.", [section(f":warning: *{esc(text)}*\nReason: {esc(reason)}")])


def reminder(deployment: Deployment, decided: Sequence[Decision], approvers: Sequence[str]) -> Message:
    missing = deployment.approvals_needed - len(in_favour(decided))
    needs = f"still needs {count(missing, 'approval')} and expires {when(deployment.expires_at)}"
    return _aloud(":hourglass:", f"{esc(what(deployment))} {needs}.", approvers)


def shipped_aloud(deployment: Deployment) -> Message:
    truth = (deployment.rings or [{}])[-1].get("truth") or {}
    healthy = truth.get("healthy", 0)
    run = "runs it and reports" if healthy == 1 else "run it and report"
    text = f"{esc(what(deployment))}: {count(healthy, 'device')} {run} that it works."
    return _aloud(":white_check_mark:", text)


def ended_aloud(deployment: Deployment) -> Message:
    """For whoever asked: it will not be shipped."""
    said = f"{what(deployment)} is {ENDS.get(deployment.state, 'not shipped')}. {deployment.outcome or ''}"
    return _aloud(":no_entry:", esc(said.strip()), [deployment.requested_by])


def rolling_back_aloud(deployment: Deployment) -> Message:
    """Mentions whoever asked, where somebody else or Spotter itself takes it back."""
    there = goes_back_to(deployment)
    back = f"{there} comes back" if there else "no other model is left there"
    text = f"{what(deployment)} is being rolled back; {back}.\n{deployment.rollback_reason}"
    is_own = deployment.rollback_by == deployment.requested_by
    return _aloud(":rewind:", esc(text), [] if is_own else [deployment.requested_by])


def rolled_back_aloud(deployment: Deployment, there: str) -> Message:
    """`there` is what the devices are told to run now; empty where it is no model."""
    runs = f"{there} runs again" if there else "no model runs there now. Ask for one with /deploy"
    late = (deployment.outcome or "").removeprefix(deployment.rollback_reason or "")
    return _aloud(":rewind:", f"{esc(deployment.target)}: {esc(runs)}.{esc(late)}")


def turned_away_aloud(run: Run, reason: str) -> Message:
    """Of a run that came to a target's environment without the approvers; it ships nothing."""
    told = run.parameters or {}
    model = f"{told.get('modelName', 'a model')} v{told.get('modelVersion', '?')}"
    who = f" of {run.requested_by}" if run.requested_by else ""
    text = f"A run{who} in Azure DevOps wanted to put {model} on {told.get('target')}, and was not let in"
    page = actions(link("Open the run", run.web_url, f"{RUN}.turned_away"))
    return Message(f"{esc(text)}.", [section(f":no_entry: *{esc(text)}.*\n{esc(reason)}"), page])


def _aloud(emoji: str, text: str, to: Sequence[str] = ()) -> Message:
    """`text` is escaped mrkdwn, `to` whom it mentions."""
    who = f"{mentions(to)}: " if to else ""
    return Message(unmarked(text), [section(f"{emoji} {who}{text}")])
