"""The card of a request, from the question to the last device, and what is said aloud below it."""

from collections.abc import Sequence
from typing import Any

from commands.deploy.evidence import shown
from commands.deploy.gates import FIGURES, all_passed, comparable
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
from commands.kit.people import Person, mentions
from commands.kit.words import code, count, delta, esc, listing, metric, when
from storage.deployments import Decision, Deployment, in_favour

APPROVE, REJECT, OVERRIDE = "deploy.approve", "deploy.ask_reject", "deploy.ask_override"
WITHDRAW, ROLL_BACK, RUN = "deploy.withdraw", "deploy.rollback", "deploy.run"
MARKS = {"passed": ":white_check_mark:", "failed": ":x:", "unknown": ":grey_question:"}
FIRST = {"failed": 0, "unknown": 1, "passed": 2}
ENDS = {
    "rejected": "rejected",
    "expired": "expired",
    "withdrawn": "withdrawn",
    "superseded": "superseded",
    "stale": "out of date",
}


def card(deployment: Deployment, decided: Sequence[Decision], approvers: Sequence[str]) -> Message:
    """What the channel reads about a request now. `approvers` are groups and people who may decide."""
    if deployment.state == "preparing":
        return _preparing(deployment)
    if deployment.state == "waiting":
        return _question(deployment, decided, approvers)
    if deployment.state in ENDS:
        return _refused(deployment, decided)
    return _rollout(deployment, decided)


def gates_passed(deployment: Deployment) -> bool:
    return all_passed((deployment.evidence or {}).get("gates", []))


def overridden_aloud(deployment: Deployment, person: Person, reason: str) -> Message:
    """An override is no detail: the channel reads who did it, which gate did not pass, and why."""
    gates = (deployment.evidence or {}).get("gates", [])
    bad = listing([f"{gate['name']} ({gate['seen']})" for gate in gates if gate["verdict"] != "passed"])
    text = f"{person.name} overrides a gate for {_what(deployment)}: {bad}"
    return Message(f"{esc(text)}.", [section(f":warning: *{esc(text)}*\nReason: {esc(reason)}")])


def reminder(deployment: Deployment, decided: Sequence[Decision], approvers: Sequence[str]) -> Message:
    missing = deployment.approvals_needed - len(in_favour(decided))
    text = f"{_what(deployment)} still needs {count(missing, 'approval')} and expires {when(deployment.expires_at)}"
    return note(
        f":hourglass: {mentions(approvers)}: {esc(_what(deployment))}{text[len(_what(deployment)) :]}."
    )


def shipped_aloud(deployment: Deployment) -> Message:
    truth = (deployment.rings or [{}])[-1].get("truth") or {}
    text = f"{_what(deployment)}: {count(truth.get('healthy', 0), 'device')} run it and report that it works."
    return note(f":white_check_mark: {esc(text)}")


def rolling_back_aloud(deployment: Deployment) -> Message:
    there = _incumbent(deployment)
    back = f"{there} comes back" if there else "no model ran there before"
    text = f"{_what(deployment)} is being rolled back; {back}.\n{deployment.rollback_reason}"
    return note(f":rewind: {esc(text)}")


def rolled_back_aloud(deployment: Deployment, there: str) -> Message:
    """`there` is what the devices are told to run now; empty where it is no model."""
    runs = f"{there} runs again" if there else "no model runs there now. Ask for one with /deploy"
    late = (deployment.outcome or "").removeprefix(deployment.rollback_reason or "")
    return note(f":rewind: {esc(deployment.target)}: {esc(runs)}.{esc(late)}")


def _incumbent(deployment: Deployment) -> str:
    """What ran there when the request was made."""
    there = (deployment.evidence or {}).get("incumbent")
    return f"{there['name']} v{there['version']}" if there else ""


def _preparing(deployment: Deployment) -> Message:
    title = f"{_what(deployment)} is asked for"
    lead = deployment.trouble or "Spotter collects what approvers need to see."
    blocks = [header(title), section(esc(lead)), _asked(deployment), actions(_withdraw(deployment))]
    return Message(f"{esc(title)}.", blocks)


def _question(deployment: Deployment, decided: Sequence[Decision], approvers: Sequence[str]) -> Message:
    evidence = deployment.evidence or {}
    title = f"Put {deployment.model_name} v{deployment.model_version} on {deployment.target}?"
    given = in_favour(decided)
    missing = deployment.approvals_needed - len(given)
    who = f"{mentions(approvers)}: " if approvers else ""
    so_far = f" {esc(listing(given))} approved." if given else ""
    lead = (
        f"{who}{count(missing, 'approval')} needed.{so_far}\n"
        f"{esc(deployment.requested_by_name)} asks: {esc(deployment.reason)}"
    )
    blocks: list[Block] = [header(title), section(lead), comparison(evidence), section(gate_lines(evidence))]
    blocks.append(context(_dataset(evidence), _learned(evidence), _devices(evidence)))
    blocks.append(
        context(
            f"Expires {when(deployment.expires_at)}",
            f"fingerprint {code((deployment.fingerprint or '')[:12])}",
        )
    )
    blocks.append(actions(*_answers(deployment, decided), _withdraw(deployment)))
    return Message(f"{esc(title)} {esc(deployment.requested_by_name)} asks.", blocks)


def to_decide(deployment: Deployment, decided: Sequence[Decision]) -> list[Block]:
    """The question in short, with its buttons, for somebody's Home."""
    missing = deployment.approvals_needed - len(in_favour(decided))
    text = (
        f"*Put {esc(deployment.model_name)} v{deployment.model_version} on {deployment.target}?* "
        f"{esc(deployment.requested_by_name)} asks: {esc(deployment.reason)}\n"
        f"{count(missing, 'approval')} needed, expires {when(deployment.expires_at)}"
    )
    row = actions(*_answers(deployment, decided))
    return [section(text), {**row, "block_id": f"decide:{deployment.id}"}]


def _answers(deployment: Deployment, decided: Sequence[Decision]) -> list[Element]:
    sure = confirm(
        f"Approve v{deployment.model_version}?",
        f"{deployment.model_name} v{deployment.model_version} goes to {deployment.target}, "
        f"first to {_first_ring(deployment.evidence or {})}.",
        "Approve",
        "Not yet",
    )
    overridden = any(each.verdict == "override" for each in decided)
    if gates_passed(deployment) or overridden:
        yes = button(
            f"Approve v{deployment.model_version}", APPROVE, deployment.id, style="primary", confirm=sure
        )
    else:
        yes = button("Override gates …", OVERRIDE, deployment.id, style="danger")
    return [yes, button("Reject …", REJECT, deployment.id)]


def _refused(deployment: Deployment, decided: Sequence[Decision]) -> Message:
    title = f"{_what(deployment)}: {ENDS[deployment.state]}"
    lead = f"{esc(deployment.outcome or '')} Nothing was shipped."
    again = "" if deployment.state in ("rejected", "superseded") else " Ask again with `/deploy`."
    blocks = [header(title), section(f"{lead}{again}"), _asked(deployment)]
    if evidence := deployment.evidence:
        blocks.insert(2, comparison(evidence))
    if decided:
        blocks.append(context(*_verdicts(decided)))
    return Message(f"{esc(title)}. {esc(deployment.outcome or '')}".strip(), blocks)


def _rollout(deployment: Deployment, decided: Sequence[Decision]) -> Message:
    title = f"{_what(deployment)}: {standing(deployment)}"
    blocks: list[Block] = [header(title)]
    if lead := _lead(deployment):
        blocks.append(section(lead))
    if deployment.rings:
        blocks.append(ring_table(deployment))
    blocks += [context(*_verdicts(decided)), _asked(deployment)]
    runs = [_run(ring) for ring in (deployment.rings or []) if ring.get("url")]
    back = _roll_back(deployment) if deployment.state in ("shipping", "shipped") else None
    away = _withdraw(deployment) if deployment.state == "approved" else None
    if runs or back or away:
        blocks.append(actions(*runs, back, away))
    return Message(f"{esc(title)}. {esc(deployment.outcome or '')}".strip(), blocks)


def standing(deployment: Deployment) -> str:
    """Where a decided request stands, in a few words without markup."""
    if deployment.state == "approved":
        return "approved, waits to be shipped" if deployment.waiting else "approved"
    if deployment.state == "shipping":
        ring = next((each for each in deployment.rings or [] if each["state"] != "done"), None)
        return f"{ring['name']} {RING_STATES[ring['state']]}" if ring else "all rings done"
    return {
        "shipped": "on all devices",
        "rolling_back": "being rolled back",
        "rolled_back": "rolled back",
        "failed": "not shipped",
    }.get(deployment.state, deployment.state)


RING_STATES = {
    "wanted": "is next",
    "queueing": "is being handed to Azure DevOps",
    "queued": "is being built and shipped",
    "rolling": "is rolling out",
    "baking": "is being watched",
    "done": "done",
    "failed": "failed",
    "undone": "taken back",
}


def ring_table(deployment: Deployment) -> Block:
    rows = [["Ring", "State", "Devices", "Healthy", "Failed", "Silent"]]
    for ring in deployment.rings or []:
        truth = ring.get("truth") or {}
        figures = [
            str(truth[name]) if name in truth else "–" for name in ("targeted", "healthy", "failed", "silent")
        ]
        is_left_out = ring["state"] == "wanted" and deployment.state != "shipping"
        state = "not shipped" if is_left_out else RING_STATES[ring["state"]]
        rows.append([ring["name"], state, *figures])
    return table(rows, numbers_from=2)


def comparison(evidence: dict[str, Any]) -> Block:
    """Candidate against incumbent, figure by figure."""
    candidate, incumbent = shown(evidence)
    now = f"v{candidate['version']}"
    if incumbent is None:
        rows = [["Metric", now], *[[label, metric(candidate[name])] for name, label in FIGURES.items()]]
        return table(rows)
    there = (
        f"{incumbent['name']} v{incumbent['version']}"
        if incumbent["name"] != candidate["name"]
        else (f"v{incumbent['version']}, now there")
    )
    same = comparable(candidate, incumbent)
    rows = [["Metric", now, there, "Change"]]
    for name, label in FIGURES.items():
        moved = delta(candidate[name], incumbent[name]) if same else "not comparable"
        rows.append([label, metric(candidate[name]), metric(incumbent[name]), moved])
    return table(rows)


def gate_lines(evidence: dict[str, Any]) -> str:
    """Failures first, each with what was needed and what was seen."""
    gates = sorted(evidence.get("gates", []), key=lambda gate: FIRST[gate["verdict"]])
    passed = sum(gate["verdict"] == "passed" for gate in gates)
    lines = [f"*Gates: {passed} of {len(gates)} passed*"]
    for gate in gates:
        needed = f" ({gate['needed']})" if gate["needed"] else ""
        lines.append(f"{MARKS[gate['verdict']]} {esc(gate['name'])}: {esc(gate['seen'])}{esc(needed)}")
    return "\n".join(lines)


def _lead(deployment: Deployment) -> str:
    if deployment.trouble:
        return f":warning: {esc(deployment.trouble)}"
    return esc(deployment.waiting or deployment.outcome or "")


def _dataset(evidence: dict[str, Any]) -> str:
    """On which pictures the figures were measured; both sets where they differ."""
    candidate, incumbent = shown(evidence)
    ours = _pictures(candidate)
    if incumbent is None:
        return f"Measured on {ours}"
    if not comparable(candidate, incumbent):
        why = (evidence.get("measured") or {}).get("missing") or ""
        both = (
            f"v{candidate['version']} measured on {ours}, v{incumbent['version']} on {_pictures(incumbent)}"
        )
        return f"{both}. {esc(why)}".strip()
    unsure = not incumbent.get("held_out", True)
    warning = f". v{incumbent['version']} may have learned from some of them" if unsure else ""
    return f"Both measured on {ours}{warning}"


def _pictures(figures: dict[str, Any]) -> str:
    if figures.get("pictures"):
        number = count(figures["pictures"], "held-out picture")
        return f"{number} of {code(figures['dataset'])} (set {code(figures['evaluated_on'][:8])})"
    known = figures.get("evaluated_on")
    return f"held-out pictures of {code(known)}" if known else "pictures that its tags do not name"


def _learned(evidence: dict[str, Any]) -> str:
    """What the candidate was trained on, and what is new in that."""
    dataset = evidence.get("dataset")
    if not dataset:
        return ""
    boxes = count(sum(dataset["boxes"].values()), "box", "boxes")
    text = f"Trained on {code(dataset['name'])}: {count(dataset['images'], 'image')}, {boxes}"
    if not dataset["since"]:
        return text
    more = [f"{code(label)} {change:+,}" for label, change in sorted(dataset["more_boxes"].items()) if change]
    grown = f"{dataset['more_images']:+,} images" + (f" and boxes {listing(more)}" if more else "")
    return f"{text}; {grown} since {code(dataset['since'])}"


def _devices(evidence: dict[str, Any]) -> str:
    rings = [
        f"{ring}: {esc(listing(ids)) or 'no devices'}" for ring, ids in evidence.get("devices", {}).items()
    ]
    return f"Devices: {'; '.join(rings)}"


def _first_ring(evidence: dict[str, Any]) -> str:
    rings = evidence.get("rings") or ["all"]
    return "the canary" if rings[0] == "canary" else "all devices at once"


def _verdicts(decided: Sequence[Decision]) -> list[str]:
    words = {"approve": "Approved", "override": "Gates overridden", "reject": "Rejected"}
    return [
        f"{words[each.verdict]} by {esc(each.person_name)} {when(each.at)}"
        + (f": {esc(each.reason)}" if each.reason else "")
        for each in decided
    ]


def _asked(deployment: Deployment) -> Block:
    return context(
        f"Asked by {esc(deployment.requested_by_name)} {when(deployment.requested_at)}: {esc(deployment.reason)}",
        f"request {code(deployment.id)}",
    )


def _what(deployment: Deployment) -> str:
    return f"{deployment.model_name} v{deployment.model_version} on {deployment.target}"


def _withdraw(deployment: Deployment) -> Element:
    return button("Withdraw", WITHDRAW, deployment.id)


def _roll_back(deployment: Deployment) -> Element:
    sure = confirm(
        f"Roll back {deployment.target}?",
        f"{deployment.model_name} v{deployment.model_version} leaves its devices; "
        f"{_incumbent(deployment) or 'nothing'} ran there before.",
        "Roll back",
        "Keep it",
    )
    return button("Roll back", ROLL_BACK, deployment.id, style="danger", confirm=sure)


def _run(ring: dict[str, Any]) -> Element:
    return link(f"Open {ring['name']} run", ring["url"], f"{RUN}.{ring['name']}")
