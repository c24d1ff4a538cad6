"""What a model must reach before it may be approved without an override."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from commands.kit.policy import Gates
from commands.kit.words import metric

Verdict = Literal["passed", "failed", "unknown"]
AGAINST = "Against "
FIGURES = {"mean_average_precision": "mAP", "precision": "Precision", "recall": "Recall"}


@dataclass(frozen=True)
class Gate:
    """`needed` and `seen` are words for people; unknown counts as not passed."""

    name: str
    verdict: Verdict
    needed: str
    seen: str

    def record(self) -> dict[str, str]:
        return asdict(self)


def judge(candidate: dict[str, Any], incumbent: dict[str, Any] | None, gates: Gates) -> list[Gate]:
    """Each gate that the target has, with what was seen. The two are what `evidence.shown` gives."""
    judged = [
        _floor(label, candidate.get(figure), getattr(gates, figure))
        for figure, label in FIGURES.items()
        if getattr(gates, figure) is not None
    ]
    return [*judged, _against(candidate, incumbent, gates.worse_by)]


def comparable(candidate: dict[str, Any], incumbent: dict[str, Any]) -> bool:
    """Whether the figures of two versions were measured on the same pictures, of which the candidate learned none."""
    ours, theirs = candidate.get("evaluated_on"), incumbent.get("evaluated_on")
    return bool(ours) and ours == theirs and candidate.get("held_out", True)


def all_passed(gates: list[dict[str, str]]) -> bool:
    return all(gate["verdict"] == "passed" for gate in gates)


def _floor(label: str, seen: float | None, floor: float) -> Gate:
    verdict: Verdict = "unknown" if seen is None else "passed" if seen >= floor else "failed"
    return Gate(label, verdict, f"at least {metric(floor)}", metric(seen) if seen is not None else "unknown")


def _against(candidate: dict[str, Any], incumbent: dict[str, Any] | None, margin: float) -> Gate:
    if incumbent is None:
        return Gate("Against the model now there", "passed", "", "there is none yet")
    name = f"{AGAINST}{incumbent['name']} v{incumbent['version']}"
    needed = f"at most {metric(margin)} worse" if margin else "not worse"
    ours, theirs = candidate.get("mean_average_precision"), incumbent.get("mean_average_precision")
    if ours is None or theirs is None:
        return Gate(name, "unknown", needed, "a figure is missing")
    if not comparable(candidate, incumbent):
        return Gate(name, "unknown", needed, f"not comparable: {_why_not(candidate)}")
    better = round(ours - theirs, 6)
    seen = f"{abs(better):.3f} {'better' if better >= 0 else 'worse'}"
    return Gate(name, "passed" if better >= -margin else "failed", needed, seen)


def _why_not(candidate: dict[str, Any]) -> str:
    if not candidate.get("held_out", True):
        return f"v{candidate['version']} may have learned from these pictures"
    return "measured on other pictures"
