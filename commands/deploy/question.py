"""The question to the approvers: on its card in the channel, and in short on somebody's Home."""

from collections.abc import Sequence

from commands.deploy.evidence import Evidence
from commands.deploy.facts import (
    comparison,
    devices,
    gate_lines,
    gates_passed,
    in_a_line,
    in_the_thread,
    learned_from,
    measured_on,
    not_passed,
)
from commands.deploy.parts import overrides, reject, withdraw
from commands.kit.blocks import (
    Block,
    Element,
    Message,
    actions,
    button,
    confirm,
    context,
    header,
    picture,
    section,
)
from commands.kit.people import mentions
from commands.kit.words import code, count, esc, listing, when
from storage.deployments import Decision, Deployment, in_favour

APPROVE, OVERRIDE = "deploy.approve", "deploy.ask_override"


def question(deployment: Deployment, decided: Sequence[Decision], approvers: Sequence[str]) -> Message:
    evidence = deployment.evidence or {}
    title = f"Put {deployment.model_name} v{deployment.model_version} on {deployment.target}?"
    given = in_favour([each for each in decided if each.verdict == "approve"])
    missing = deployment.approvals_needed - len(in_favour(decided))
    who = f"{mentions(approvers)}: " if approvers else ""
    so_far = f" {esc(listing(given))} approved." if given else ""
    lead = (
        f"{who}{count(missing, 'approval')} needed.{so_far}\n"
        f"{esc(deployment.requested_by_name)} asks: “{esc(deployment.reason)}”"
    )
    blocks: list[Block] = [header(title), section(lead)]
    if deployment.waiting:
        blocks.append(section(f":snowflake: {esc(deployment.waiting)}"))
    if deployment.trouble:
        blocks.append(section(f":warning: {esc(deployment.trouble)}"))
    blocks += overrides(deployment, decided)
    blocks += [comparison(evidence), section(gate_lines(evidence))]
    blocks += [picture(each["digest"], each["words"], each["words"]) for each in _most_disputed(evidence)]
    told = (measured_on(evidence), in_the_thread(evidence), learned_from(evidence), devices(evidence))
    blocks.append(context(*told))
    blocks.append(
        context(
            f"Expires {when(deployment.expires_at)}",
            f"fingerprint {code((deployment.fingerprint or '')[:12])}",
        )
    )
    blocks.append(actions(*_answers(deployment, decided), withdraw(deployment)))
    return Message(f"{esc(title)} {esc(deployment.requested_by_name)} asks.", blocks)


def _most_disputed(evidence: Evidence) -> list[dict[str, str]]:
    """The one picture on the card; the others are in its thread, beside this one."""
    return (evidence.get("pictures") or [])[:1]


def to_decide(
    deployment: Deployment, decided: Sequence[Decision], address: str | None, *, override_only: bool
) -> list[Block]:
    """The question in short, with its buttons, for somebody's Home; `address` is that of its card in the channel."""
    evidence = deployment.evidence or {}
    missing = deployment.approvals_needed - len(in_favour(decided))
    text = (
        f"*Put {esc(deployment.model_name)} v{deployment.model_version} on {deployment.target}?* "
        f"{esc(deployment.requested_by_name)} asks: “{esc(deployment.reason)}”\n"
        f"{count(missing, 'approval')} needed, expires {when(deployment.expires_at)}"
    )
    text += f"\n:snowflake: {esc(deployment.waiting)}" if deployment.waiting else ""
    answers = _answers(deployment, decided)
    row = actions(*(answers[:1] if override_only else answers))
    place = f"<{address}|Its card in the channel>" if address else ""
    return [
        section(text),
        *overrides(deployment, decided),
        section(f"{in_a_line(evidence)}\n{gate_lines(evidence)}"),
        context(measured_on(evidence), devices(evidence), place),
        {**row, "block_id": f"decide:{deployment.id}"},
    ]


def _answers(deployment: Deployment, decided: Sequence[Decision]) -> list[Element]:
    overridden = [each for each in decided if each.verdict == "override"]
    gates = listing(not_passed(deployment))
    style = "danger" if overridden else "primary"
    said = "".join(f" {each.person_name} overrides {gates}: “{each.reason}”." for each in overridden)
    sure = confirm(
        f"Approve v{deployment.model_version}?",
        f"{deployment.model_name} v{deployment.model_version} goes to {_where(deployment)}.{said}",
        "Approve",
        "Not yet",
        style=style,
    )
    if gates_passed(deployment) or overridden:
        yes = button(
            f"Approve v{deployment.model_version}", APPROVE, deployment.id, style=style, confirm=sure
        )
    else:
        yes = button("Override gates …", OVERRIDE, deployment.id, style="danger")
    return [yes, reject(deployment)]


def _where(deployment: Deployment) -> str:
    rings = (deployment.evidence or {}).get("rings") or ["all"]
    if rings[0] == "canary":
        return f"{deployment.target}, first to the canary"
    return f"all devices of {deployment.target} at once"
