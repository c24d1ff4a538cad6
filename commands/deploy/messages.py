"""The card of a request, from the question to the last device, and what is said aloud below it."""

from collections.abc import Sequence
from typing import Any

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
from commands.deploy.state_words import ENDS, RING_STATES, standing
from commands.kit.blocks import (
    Block,
    Element,
    Message,
    actions,
    button,
    confirm,
    context,
    header,
    link,
    note,
    picture,
    section,
    table,
)
from commands.kit.people import mentions
from commands.kit.words import code, count, esc, listing, when
from storage.deployments import Decision, Deployment, in_favour

APPROVE, REJECT, OVERRIDE = "deploy.approve", "deploy.ask_reject", "deploy.ask_override"
WITHDRAW, ROLL_BACK, RUN = "deploy.withdraw", "deploy.rollback", "deploy.run"


def card(
    deployment: Deployment,
    decided: Sequence[Decision],
    approvers: Sequence[str],
    successor: Deployment | None = None,
    newer: str = "",
) -> Message:
    """What the channel reads about a request now. `approvers` are groups and people who may decide; `successor` is
    what was shipped there after it; `newer` is the address of the card of the request that superseded it."""
    if deployment.state == "preparing":
        return _preparing(deployment)
    if deployment.state == "waiting":
        return _question(deployment, decided, approvers)
    if deployment.state in ENDS:
        return _refused(deployment, decided, newer)
    return _rollout(deployment, decided, successor)


def goes_back_to(deployment: Deployment) -> str:
    """What its devices run when it is taken back; empty where that is no model."""
    last = (deployment.rings or [{}])[-1]
    if "below" in last:
        return str(last["below"])
    there = (deployment.evidence or {}).get("incumbent")
    return f"{there['name']} v{there['version']}" if there else ""


def _preparing(deployment: Deployment) -> Message:
    title = f"{what(deployment)} is asked for"
    lead = deployment.trouble or "Spotter collects what approvers need to see."
    blocks = [header(title), section(esc(lead)), _asked(deployment), actions(_withdraw(deployment))]
    return Message(f"{esc(title)}.", blocks)


def asked_below(deployment: Deployment) -> Message:
    """What becomes of the message from before the question."""
    return note(f"{esc(what(deployment))}: what approvers need to see is collected; its card is below.")


def _question(deployment: Deployment, decided: Sequence[Decision], approvers: Sequence[str]) -> Message:
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
    blocks += _overrides(deployment, decided)
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
    blocks.append(actions(*_answers(deployment, decided), _withdraw(deployment)))
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
        *_overrides(deployment, decided),
        section(f"{in_a_line(evidence)}\n{gate_lines(evidence)}"),
        context(measured_on(evidence), devices(evidence), place),
        {**row, "block_id": f"decide:{deployment.id}"},
    ]


def _answers(deployment: Deployment, decided: Sequence[Decision]) -> list[Element]:
    overrides = [each for each in decided if each.verdict == "override"]
    gates = listing(not_passed(deployment))
    style = "danger" if overrides else "primary"
    said = "".join(f" {each.person_name} overrides {gates}: “{each.reason}”." for each in overrides)
    sure = confirm(
        f"Approve v{deployment.model_version}?",
        f"{deployment.model_name} v{deployment.model_version} goes to {_where(deployment)}.{said}",
        "Approve",
        "Not yet",
        style=style,
    )
    if gates_passed(deployment) or overrides:
        yes = button(
            f"Approve v{deployment.model_version}", APPROVE, deployment.id, style=style, confirm=sure
        )
    else:
        yes = button("Override gates …", OVERRIDE, deployment.id, style="danger")
    return [yes, _reject(deployment)]


def _refused(deployment: Deployment, decided: Sequence[Decision], newer: str) -> Message:
    title = f"{what(deployment)}: {ENDS[deployment.state]}"
    lead = f"{esc(deployment.outcome or '')} Nothing was shipped."
    lead += f" <{newer}|The newer request>" if newer else ""
    again = "" if deployment.state in ("rejected", "superseded") else " Ask again with `/deploy`."
    blocks = [header(title), section(f"{lead}{again}"), _asked(deployment)]
    if evidence := deployment.evidence:
        blocks.insert(2, comparison(evidence))
    if decided:
        blocks.append(context(*_verdicts(decided)))
    return Message(f"{esc(title)}. {esc(deployment.outcome or '')}".strip(), blocks)


def _rollout(deployment: Deployment, decided: Sequence[Decision], successor: Deployment | None) -> Message:
    is_replaced = deployment.is_withdrawn or successor is not None
    title = f"{what(deployment)}: {'replaced' if is_replaced else standing(deployment)}"
    blocks: list[Block] = [header(title)]
    if deployment.is_withdrawn:
        blocks.append(section("It is not there any more. `/deploy` asks for it again."))
    elif successor is not None:
        blocks.append(section(f"{esc(successor.model_name)} v{successor.model_version} has taken its place."))
    elif lead := _lead(deployment):
        blocks.append(section(lead))
    blocks += _overrides(deployment, decided)
    if deployment.rings:
        blocks.append(ring_table(deployment))
    blocks += [context(*_verdicts(decided)), _asked(deployment)]
    runs = [_run(ring) for ring in (deployment.rings or []) if ring.get("url")]
    can_go_back = deployment.state in ("shipping", "shipped") and not is_replaced
    back = _roll_back(deployment) if can_go_back else None
    stops = [_reject(deployment), _withdraw(deployment)] if deployment.state == "approved" else []
    if runs or back or stops:
        blocks.append(actions(*runs, back, *stops))
    return Message(f"{esc(title)}. {esc(deployment.outcome or '')}".strip(), blocks)


def ring_table(deployment: Deployment) -> Block:
    rows = [["Ring", "State", "Devices", "Healthy", "Failed", "Silent"]]
    for ring in deployment.rings or []:
        truth = ring.get("truth") or {}
        figures = [
            str(truth[name]) if name in truth else "–" for name in ("targeted", "healthy", "failed", "silent")
        ]
        if ring["state"] == "undone":  # of the model that is not there any more
            figures[1:] = ["–"] * 3
        is_left_out = ring["state"] == "wanted" and deployment.state != "shipping"
        state = "not shipped" if is_left_out else RING_STATES[ring["state"]]
        rows.append([ring["name"], state, *figures])
    return table(rows, numbers_from=2)


def _lead(deployment: Deployment) -> str:
    if deployment.trouble:
        return f":warning: {esc(deployment.trouble)}"
    return "\n".join(esc(text) for text in (deployment.outcome, deployment.waiting) if text)


def _where(deployment: Deployment) -> str:
    rings = (deployment.evidence or {}).get("rings") or ["all"]
    if rings[0] == "canary":
        return f"{deployment.target}, first to the canary"
    return f"all devices of {deployment.target} at once"


def _overrides(deployment: Deployment, decided: Sequence[Decision]) -> list[Block]:
    gates = esc(listing(not_passed(deployment)))
    return [
        section(f":warning: *Overridden by {esc(each.person_name)}: {gates}*\nReason: {esc(each.reason)}")
        for each in decided
        if each.verdict == "override"
    ]


def _verdicts(decided: Sequence[Decision]) -> list[str]:
    """Who decided what and when, and the fingerprint of what they saw."""
    words = {"approve": "Approved", "override": "Gates overridden", "reject": "Rejected"}
    said = [
        f"{words[each.verdict]} by {esc(each.person_name)} {when(each.at)}"
        + (f": “{esc(each.reason)}”" if each.reason else "")
        for each in decided
    ]
    seen = dict.fromkeys(each.fingerprint for each in decided)
    return [*said, *(f"fingerprint {code(each[:12])}" for each in seen)]


def _asked(deployment: Deployment) -> Block:
    return context(
        f"Asked by {esc(deployment.requested_by_name)} {when(deployment.requested_at)}: “{esc(deployment.reason)}”",
        f"request {code(deployment.id)}",
    )


def what(deployment: Deployment) -> str:
    return f"{deployment.model_name} v{deployment.model_version} on {deployment.target}"


def _reject(deployment: Deployment) -> Element:
    return button("Reject …", REJECT, deployment.id)


def _withdraw(deployment: Deployment) -> Element:
    return button("Withdraw", WITHDRAW, deployment.id)


def _roll_back(deployment: Deployment) -> Element:
    model, there = f"{deployment.model_name} v{deployment.model_version}", goes_back_to(deployment)
    sure = confirm(
        f"Roll back {deployment.target}?",
        f"{model} leaves its devices; {there} comes back."
        if there
        else f"{model} leaves its devices, and no other model is left for them: {deployment.target} runs none "
        "until one is asked for and approved.",
        "Roll back",
        "Keep it",
    )
    return button("Roll back", ROLL_BACK, deployment.id, style="danger", confirm=sure)


def _run(ring: dict[str, Any]) -> Element:
    return link(f"Open {ring['name']} run", ring["url"], f"{RUN}.{ring['name']}")
