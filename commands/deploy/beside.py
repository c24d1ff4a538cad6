"""Candidate and incumbent beside each other in the card's thread: class by class, and on pictures where they differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from commands.deploy.evidence import Evidence, shown
from commands.deploy.gates import comparable
from commands.kit.blocks import Block, Message, context, header, picture, table
from commands.kit.services import Services
from commands.kit.words import count, delta, esc, metric, shorten
from infra.azureml.errors import Unreadable
from infra.azureml.evaluations import Disputed
from infra.training.evaluate.metrics import Box, Outcome, outcome

MOST_PICTURES = 3
MOST_CLASSES, LONGEST_CLASS = 30, 60

log = structlog.get_logger("deploy")


@dataclass(frozen=True)
class Drawn:
    """A picture as both models see it, and in words what differs."""

    content: bytes
    words: str


def draw(disputed: Sequence[Disputed], evidence: Evidence, services: Services) -> list[Drawn]:
    """The first pictures that can be had; those that cannot are passed over. Raises AzureError."""
    from commands.kit.drawing import Seen, UndrawableError, side_by_side  # Pillow is only needed here

    candidate, incumbent = shown(evidence)
    drawn: list[Drawn] = []
    for each in disputed:
        if incumbent is None or len(drawn) == MOST_PICTURES:
            break
        truth, ours, theirs = (_boxes(part) for part in (each.truth, *_answers(each, candidate, incumbent)))
        new = Seen(f"{_short(candidate, incumbent)}, asked for", ours)
        old = Seen(f"{_short(incumbent, candidate)}, now there", theirs)
        try:
            content = side_by_side(services.azure.picture(each.address), truth, new, old)
        except (Unreadable, UndrawableError) as fault:
            log.warning("picture_not_drawn", picture=each.name, reason=str(fault))
            continue
        words = _difference(each, truth, (candidate, ours), (incumbent, theirs))
        drawn.append(Drawn(content, words))
    return drawn


def beside(evidence: Evidence) -> Message | None:
    """None where there is nothing to show."""
    candidate, incumbent = shown(evidence)
    if not candidate.get("classes"):
        return None
    together = (
        incumbent if incumbent and incumbent.get("classes") and comparable(candidate, incumbent) else None
    )
    title = f"{candidate['name']} v{candidate['version']}"
    title += f" beside {_short(together, candidate)}, class by class" if together else ", class by class"
    blocks: list[Block] = [header(title), _classes(candidate, together)]
    blocks.append(
        context("A box counts as found where it covers the true one by half. AP is average precision.")
    )
    pictures = evidence.get("pictures") or []
    blocks += [picture(each["digest"], each["words"], each["words"]) for each in pictures]
    if pictures:
        number = "The picture" if len(pictures) == 1 else f"The {len(pictures)} pictures"
        blocks.append(context(f"{number} on which they disagree most, of {candidate['pictures']} held out."))
    return Message(f"{esc(title)}.", blocks)


def _classes(candidate: dict[str, Any], incumbent: dict[str, Any] | None) -> Block:
    """Those that got worst first."""
    ours: dict[str, Any] = candidate["classes"]
    theirs: dict[str, Any] = incumbent["classes"] if incumbent else {}
    if incumbent is None:
        rows = [["Class", "Boxes", "AP", "Precision", "Recall"]]
        for label, each in sorted(ours.items(), key=lambda item: float(item[1]["average_precision"])):
            rows.append([shorten(label, LONGEST_CLASS), str(each["boxes"]), *_figures(each)])
        return table(rows[: MOST_CLASSES + 1])
    new, old = _short(candidate, incumbent), _short(incumbent, candidate)
    rows = [["Class", "Boxes", f"AP {new}", f"AP {old}", "Change", "Precision", "Recall"]]
    both = {label: (each, theirs.get(label, {})) for label, each in ours.items()}
    for label, (now, before) in sorted(both.items(), key=lambda item: _moved(*item[1])):
        average, precision, recall = _figures(now)
        moved = delta(now["average_precision"], before.get("average_precision"))
        was = [f" ({figure})" for figure in _figures(before)[1:]]
        previous = metric(before.get("average_precision"))
        rows.append([label, str(now["boxes"]), average, previous, moved, precision + was[0], recall + was[1]])
    return table(rows[: MOST_CLASSES + 1])


def _figures(each: dict[str, Any]) -> list[str]:
    return [metric(each.get(name)) for name in ("average_precision", "precision", "recall")]


def _moved(now: dict[str, Any], before: dict[str, Any]) -> float:
    return float(now["average_precision"]) - float(before.get("average_precision", 0.0))


def _short(one: dict[str, Any], other: dict[str, Any] | None) -> str:
    """ "v7", with its name where the other has another one."""
    version = f"v{one['version']}"
    return version if other is None or one["name"] == other["name"] else f"{one['name']} {version}"


def _answers(
    each: Disputed, candidate: dict[str, Any], incumbent: dict[str, Any]
) -> tuple[Sequence[Any], Sequence[Any]]:
    names = (f"{one['name']}:{one['version']}" for one in (candidate, incumbent))
    ours, theirs = (each.answers[name] for name in names)
    return ours, theirs


def _boxes(told: Sequence[Any]) -> list[Box]:
    return [Box(box.label, box.corners, box.score) for box in told]


def _difference(
    each: Disputed,
    truth: Sequence[Box],
    new: tuple[dict[str, Any], Sequence[Box]],
    old: tuple[dict[str, Any], Sequence[Box]],
) -> str:
    """ "1.jpg has 5 true boxes. v7 finds all, v6 finds 2 and has 1 wrong." """
    (candidate, ours), (incumbent, theirs) = new, old
    name = each.name.rpartition("/")[2]
    seen = _seen(_short(candidate, incumbent), outcome(truth, ours), len(truth))
    there = _seen(_short(incumbent, candidate), outcome(truth, theirs), len(truth))
    return f"{name} has {count(len(truth), 'true box', 'true boxes')}. {seen}, {there}."


def _seen(who: str, result: Outcome, boxes: int) -> str:
    found = "all" if len(result.found) == boxes else "none" if not result.found else str(len(result.found))
    wrong = f" and has {result.wrong} wrong" if result.wrong else ""
    return f"{who} finds {found}{wrong}"
