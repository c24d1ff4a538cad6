"""The evidence in words: candidate against incumbent, the gates, the pictures and the devices."""

from typing import Any

from commands.deploy.evidence import Evidence, shown
from commands.deploy.gates import FIGURES, all_passed, comparable
from commands.kit.blocks import Block, table
from commands.kit.words import code, count, delta, esc, listing, metric
from storage.deployments import Deployment

MARKS = {"passed": ":white_check_mark:", "failed": ":x:", "unknown": ":grey_question:"}
FIRST = {"failed": 0, "unknown": 1, "passed": 2}


def gates_passed(deployment: Deployment) -> bool:
    return all_passed((deployment.evidence or {}).get("gates", []))


def not_passed(deployment: Deployment) -> list[str]:
    gates = (deployment.evidence or {}).get("gates", [])
    return [f"{gate['name']} ({gate['seen']})" for gate in gates if gate["verdict"] != "passed"]


def comparison(evidence: Evidence) -> Block:
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


def in_a_line(evidence: Evidence) -> str:
    """The same, where there is no room for a table."""
    candidate, incumbent = shown(evidence)
    told = []
    for name, label in FIGURES.items():
        moved = (
            f" ({delta(candidate[name], incumbent[name])})"
            if incumbent and comparable(candidate, incumbent)
            else ""
        )
        told.append(f"{label} {metric(candidate[name])}{moved}")
    beside = f"; now there: {incumbent['name']} v{incumbent['version']}" if incumbent else ""
    return esc(f"{', '.join(told)}{beside}")


def gate_lines(evidence: Evidence) -> str:
    """Failures first, each with what was needed and what was seen."""
    gates = sorted(evidence.get("gates", []), key=lambda gate: FIRST[gate["verdict"]])
    passed = sum(gate["verdict"] == "passed" for gate in gates)
    lines = [f"*Gates: {passed} of {len(gates)} passed*"]
    for gate in gates:
        needed = f" ({gate['needed']})" if gate["needed"] else ""
        lines.append(f"{MARKS[gate['verdict']]} {esc(gate['name'])}: {esc(gate['seen'])}{esc(needed)}")
    return "\n".join(lines)


def measured_on(evidence: Evidence) -> str:
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


def in_the_thread(evidence: Evidence) -> str:
    """What stands below the card, as `beside` makes it; empty where that is nothing."""
    candidate, _ = shown(evidence)
    if not candidate.get("classes"):
        return ""
    more = len(evidence.get("pictures") or []) - 1
    pictures = f" and {count(more, 'more picture')}" if more > 0 else ""
    return f"Figures class by class{pictures} are in this card's thread"


def learned_from(evidence: Evidence) -> str:
    """What the candidate was trained on, and what is new in that."""
    dataset = evidence.get("dataset")
    if not dataset:
        return ""
    boxes = count(sum(dataset["boxes"].values()), "box", "boxes")
    text = f"Trained on {code(dataset['name'])}: {count(dataset['images'], 'image')}, {boxes}"
    if not dataset["since"]:
        return text
    images = dataset["more_images"]
    grown = [f"{_more(images)} {'image' if abs(images) == 1 else 'images'}"] if images else []
    changed = [(label, change) for label, change in sorted(dataset["more_boxes"].items()) if change]
    if changed:
        grown.append(f"boxes of {listing([f'{code(label)} {_more(change)}' for label, change in changed])}")
    return f"{text}. Since {code(dataset['since'])}: {'; '.join(grown) or 'as many images and boxes'}"


def _more(change: int) -> str:
    return f"{change:,} more" if change > 0 else f"{-change:,} fewer"


def devices(evidence: Evidence) -> str:
    rings = [
        f"{ring}: {esc(listing(ids)) or 'no devices'}" for ring, ids in evidence.get("devices", {}).items()
    ]
    return f"Devices: {'; '.join(rings)}"
