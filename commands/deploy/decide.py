"""Approve, reject, override, withdraw: who may, and exactly one outcome whoever clicks at the same moment.

Who is in the approvers' group is asked of Slack at the click, before the transaction; everything else is judged inside
it, on the record as it is then.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from commands.deploy.aloud import overridden_aloud
from commands.deploy.command import DEPLOYMENTS, deploy
from commands.deploy.facts import gate_lines, gates_passed
from commands.deploy.record import approvers, change, tell
from commands.deploy.standing import changes_since_asked, expire, make_stale
from commands.deploy.state_words import settled
from commands.kit.command import COURIER, Answer, Asked, OpenForm, carried, text
from commands.kit.errors import UserError
from commands.kit.people import mentions
from commands.kit.policy import Target
from commands.kit.services import Services
from commands.kit.words import esc
from storage import deployments
from storage.deployments import Decision, Deployment

Judgement = Callable[[Connection, Deployment], "UserError | None"]


@dataclass(frozen=True)
class ReasonArgs:
    deployment: str = carried()
    reason: str = text("Why", hint="Everybody in the channel reads this", multiline=True)


reject = deploy.dialog("reject", ReasonArgs, role="view", title="Reject the deployment", submit="Reject")
override = deploy.dialog(
    "override", ReasonArgs, role="view", title="Override failed gates", submit="Override and approve"
)


@deploy.action("approve", role="view", changes=True)
def approve(deployment_id: str, asked: Asked, services: Services) -> Answer:
    _must_approve_here(deployment_id, asked, services, "approvers")

    def judge(tx: Connection, deployment: Deployment) -> UserError | None:
        decided = deployments.decisions_on(tx, deployment.id)
        if not gates_passed(deployment) and not any(each.verdict == "override" for each in decided):
            return UserError(
                "A gate did not pass, so this cannot simply be approved.",
                "It needs an override with a reason.",
            )
        return _favour(tx, deployment, asked, services, ["approve"], "")

    return _settle(deployment_id, asked, services, judge)


@deploy.action("ask_reject", role="view")
def ask_reject(deployment_id: str, asked: Asked, services: Services) -> Answer:
    return OpenForm(reject, {"deployment": deployment_id})


@deploy.action("ask_override", role="view")
def ask_override(deployment_id: str, asked: Asked, services: Services) -> Answer:
    return OpenForm(override, {"deployment": deployment_id})


@reject.run
def rejected(args: ReasonArgs, asked: Asked, services: Services) -> Answer:
    _must_approve_here(args.deployment, asked, services, "approvers")

    def judge(tx: Connection, deployment: Deployment) -> UserError | None:
        if deployment.requested_by == asked.person.id:
            return _own_request("reject", "Withdraw it instead.")
        decided = _decision(deployment, asked, services, "reject", args.reason)
        if not deployments.decide(tx, decided):
            return _decided_before()
        change(
            tx,
            deployment,
            services,
            action="deploy.reject",
            actor=asked.person.id,
            details={"reason": args.reason},
            state="rejected",
            decided_at=services.clock.now(),
            outcome=f"{asked.person.name} says: “{args.reason}”.",
        )
        return None

    return _settle(args.deployment, asked, services, judge, states=("waiting", "approved"))


@override.run
def overridden(args: ReasonArgs, asked: Asked, services: Services) -> Answer:
    target = _must_approve_here(args.deployment, asked, services, "override")
    approves = services.people.is_among_now(asked.person, approvers(target, services))
    verdicts = ["override", "approve"] if approves else ["override"]

    def judge(tx: Connection, deployment: Deployment) -> UserError | None:
        if gates_passed(deployment):
            return UserError("All gates passed, so there is nothing to override.", "Approve it instead.")
        problem = _favour(tx, deployment, asked, services, verdicts, args.reason)
        if problem is None:
            told = overridden_aloud(deployment, asked.person, args.reason)
            tell(tx, deployment, services, "override", told, loud=True)
        return problem

    return _settle(args.deployment, asked, services, judge)


@override.preview
def gates_put_aside(values: dict[str, str], services: Services) -> str:
    with services.store.read() as tx:
        deployment = deployments.get(tx, values["deployment"])
    return gate_lines((deployment.evidence if deployment else None) or {})


@deploy.action("withdraw", role="view", changes=True)
def withdraw(deployment_id: str, asked: Asked, services: Services) -> Answer:
    def judge(tx: Connection, deployment: Deployment) -> UserError | None:
        if deployment.requested_by != asked.person.id:
            return UserError(
                f"Only {esc(deployment.requested_by_name)}, who asked, can withdraw it.",
                "Approvers can reject it.",
            )
        change(
            tx,
            deployment,
            services,
            action="deploy.withdraw",
            actor=asked.person.id,
            state="withdrawn",
            outcome=f"Withdrawn by {asked.person.name}.",
        )
        return None

    return _settle(deployment_id, asked, services, judge, states=(*deployments.UNDECIDED, "approved"))


def _must_approve_here(deployment_id: str, asked: Asked, services: Services, kind: str) -> Target:
    """The request's target. Raises UserError unless the person is among those who may, asked of Slack now."""
    with services.store.read() as tx:
        deployment = deployments.get(tx, deployment_id)
    target = services.policy.targets.get(deployment.target) if deployment else None
    if deployment is None or target is None:
        raise _unknown()
    allowed = target.override if kind == "override" else approvers(target, services)
    what = "override gates" if kind == "override" else "decide"
    if not allowed:
        raise UserError(
            f"Nobody may {what} for {deployment.target} yet.",
            "Whoever runs Spotter can name people in spotter.toml.",
        )
    if not services.people.is_among_now(asked.person, allowed):
        raise UserError(f"You may not {what} for {deployment.target}.", f"Ask {mentions(allowed)}.")
    return target


def _settle(
    deployment_id: str,
    asked: Asked,
    services: Services,
    judge: Judgement,
    states: Sequence[str] = ("waiting",),
) -> Answer:
    """Judge inside one transaction. A refusal is raised after it, so that what the judgement changed stays."""
    with services.store.write() as tx:
        deployment = deployments.locked(tx, deployment_id)
        if deployment is None:
            raise _unknown()
        problem = (
            _too_late(deployment, states) or _overtaken(tx, deployment, services) or judge(tx, deployment)
        )
    services.wake(COURIER)
    services.wake(DEPLOYMENTS)
    if problem:
        raise problem
    return None


def _favour(
    tx: Connection,
    deployment: Deployment,
    asked: Asked,
    services: Services,
    verdicts: Sequence[str],
    reason: str,
) -> UserError | None:
    """Keep what this person says; with the last approval that is needed the request is approved.

    `verdicts` are approve, override, or both: only who is an approver approves by overriding.
    """
    if deployment.requested_by == asked.person.id:
        return _own_request("approve", "Somebody else has to.")
    kept = [
        deployments.decide(
            tx, _decision(deployment, asked, services, verdict, reason if verdict == verdicts[0] else "")
        )
        for verdict in verdicts
    ]
    if not kept[0]:
        return _decided_before()
    given = deployments.in_favour(deployments.decisions_on(tx, deployment.id))
    now_approved = len(given) >= deployment.approvals_needed
    decided = (
        {"state": "approved", "decided_at": services.clock.now(), "waiting": None, "trouble": None}
        if now_approved
        else {}
    )
    details = {"reason": reason, "approvals": len(given), "needed": deployment.approvals_needed}
    change(
        tx,
        deployment,
        services,
        action=f"deploy.{verdicts[0]}",
        actor=asked.person.id,
        details=details,
        **decided,
    )
    return None


def _decision(
    deployment: Deployment, asked: Asked, services: Services, verdict: str, reason: str
) -> Decision:
    return Decision(
        deployment_id=deployment.id,
        person=asked.person.id,
        person_name=asked.person.name,
        verdict=verdict,
        reason=reason,
        fingerprint=deployment.fingerprint or "",
        at=services.clock.now(),
    )


def _overtaken(tx: Connection, deployment: Deployment, services: Services) -> UserError | None:
    """A request that has expired, or that is about something else by now, ends here."""
    if deployment.state not in deployments.UNDECIDED:
        return None
    if services.clock.now() >= deployment.expires_at:
        expire(tx, deployment, services)
        return UserError("This request has expired.", "Ask again with /deploy.")
    changed = changes_since_asked(tx, deployment, services)
    if changed:
        make_stale(tx, deployment, changed, services)
        return UserError(
            f"This request is out of date: {esc(changed)}.", "Nothing was decided. Ask again with /deploy."
        )
    return None


def _too_late(deployment: Deployment, states: Sequence[str]) -> UserError | None:
    if deployment.state in states:
        return None
    if deployment.state == "preparing":
        return UserError("What approvers need to see is still being collected.", "Try again in a moment.")
    return UserError(esc(settled(deployment)), "The card shows how it stands.")


def _own_request(verb: str, instead: str) -> UserError:
    return UserError(f"You asked for this yourself, so you cannot {verb} it.", instead)


def _decided_before() -> UserError:
    return UserError(
        "You have decided about this already.", "The card shows who has, and who is still needed."
    )


def _unknown() -> UserError:
    return UserError("That request is not in Spotter's records any more.", "/deploy asks for a new one.")
