"""A strip of held-out pictures with what people drew and what a new version found, for its announcement."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from commands.kit.services import Services
from commands.kit.words import count
from infra.azureml.errors import AzureError, Unreadable
from infra.azureml.evaluations import Box as Told
from infra.azureml.evaluations import Disputed, Evaluation
from infra.training.evaluate.metrics import Box, outcome
from storage.catalog import ModelRow

MOST, IN_A_STRIP = 3, 2

log = structlog.get_logger("models")


@dataclass(frozen=True)
class Drawn:
    """A picture, its title, and in words what it shows."""

    content: bytes
    title: str
    words: str


@dataclass(frozen=True)
class Strip:
    """Small pictures beside each other, and each of them and some more in large, with all that the version answers."""

    sheet: Drawn
    pictures: Sequence[Drawn]


@dataclass(frozen=True)
class _Answered:
    """A picture with true boxes and the version's answers."""

    picture: Disputed
    truth: list[Box]
    answers: list[Box]

    @property
    def mistakes(self) -> int:
        seen = outcome(self.truth, self.answers)
        return len(self.truth) - len(seen.found) + seen.wrong

    @property
    def words(self) -> str:
        """ "4 of 5 boxes found, 1 wrong" """
        return self._told(count(len(self.truth), "box", "boxes"))

    @property
    def caption(self) -> str:
        """The same where there is little room."""
        return self._told(str(len(self.truth)))

    def _told(self, drawn: str) -> str:
        seen = outcome(self.truth, self.answers)
        return f"{len(seen.found)} of {drawn} found" + (f", {seen.wrong} wrong" if seen.wrong else "")


def strip_of(found: Evaluation, model: ModelRow, services: Services) -> Strip | None:
    """The pictures on which the version errs most, as far as they can be had, or some where it errs on none; None
    where there are none."""
    from commands.kit.drawing import Seen, UndrawableError, alone, strip  # Pillow is only needed here

    panels: list[tuple[bytes, list[Box], Seen]] = []
    shown: list[_Answered] = []
    large: list[Drawn] = []
    for each in _worst_first(found, model):
        if len(shown) == MOST:
            break
        try:
            content = services.azure.picture(each.picture.address)
            panel = (content, each.truth, Seen(each.caption, each.answers))
            large.append(
                Drawn(alone(*panel), f"{_name(each)}: {each.words}", f"{_name(each)}: {each.words}.")
            )
        except (AzureError, Unreadable, UndrawableError) as fault:
            log.warning("picture_not_drawn", picture=each.picture.name, reason=str(fault))
            continue
        panels.append(panel)
        shown.append(each)
    if not panels or found.set is None:
        return None
    few = shown[:IN_A_STRIP]
    title = f"v{model.version} on {_which(few)} of {found.set.pictures} held-out pictures"
    return Strip(Drawn(strip(panels[:IN_A_STRIP]), title, f"{title}. {_told(few)}"), large)


def _worst_first(found: Evaluation, model: ModelRow) -> list[_Answered]:
    named = f"{model.name}:{model.version}"
    known = [
        _Answered(picture, _boxes(picture.truth), _boxes(picture.answers[named]))
        for picture in found.pictures
        if named in picture.answers
    ]
    wrong = [each for each in known if each.mistakes]
    return sorted(wrong or known, key=lambda each: (-each.mistakes, each.picture.name))


def _which(shown: Sequence[_Answered]) -> str:
    if not any(each.mistakes for each in shown):
        return str(len(shown))
    return "the worst" if len(shown) == 1 else f"the {len(shown)} worst"


def _told(shown: Sequence[_Answered]) -> str:
    return " ".join(f"{_name(each)}: {each.words}." for each in shown)


def _name(each: _Answered) -> str:
    return each.picture.name.rpartition("/")[2]


def _boxes(told: Sequence[Told]) -> list[Box]:
    return [Box(box.label, box.corners, box.score) for box in told]
