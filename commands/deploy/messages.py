"""The card of a request, from the question to the last device."""

from collections.abc import Sequence
from typing import Any

from commands.deploy.facts import comparison
from commands.deploy.parts import RUN, asked_by, overrides, reject, verdicts, what, withdraw
from commands.deploy.question import question
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
    section,
    table,
)
from commands.kit.words import esc
from storage.deployments import Decision, Deployment

ROLL_BACK = "deploy.rollback"


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
        return question(deployment, decided, approvers)
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
    blocks = [header(title), section(esc(lead)), asked_by(deployment), actions(withdraw(deployment))]
    return Message(f"{esc(title)}.", blocks)


def asked_below(deployment: Deployment) -> Message:
    """What becomes of the message from before the question."""
    return note(f"{esc(what(deployment))}: what approvers need to see is collected; its card is below.")


def _refused(deployment: Deployment, decided: Sequence[Decision], newer: str) -> Message:
    title = f"{what(deployment)}: {ENDS[deployment.state]}"
    lead = f"{esc(deployment.outcome or '')} Nothing was shipped."
    lead += f" <{newer}|The newer request>" if newer else ""
    again = "" if deployment.state in ("rejected", "superseded") else " Ask again with `/deploy`."
    blocks = [header(title), section(f"{lead}{again}"), asked_by(deployment)]
    if evidence := deployment.evidence:
        blocks.insert(2, comparison(evidence))
    if decided:
        blocks.append(context(*verdicts(decided)))
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
    blocks += overrides(deployment, decided)
    if deployment.rings:
        blocks.append(ring_table(deployment))
    blocks += [context(*verdicts(decided)), asked_by(deployment)]
    runs = [_run(ring) for ring in (deployment.rings or []) if ring.get("url")]
    can_go_back = deployment.state in ("shipping", "shipped") and not is_replaced
    back = _roll_back(deployment) if can_go_back else None
    stops = [reject(deployment), withdraw(deployment)] if deployment.state == "approved" else []
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
