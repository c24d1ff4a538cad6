"""What people are told when something cannot be done."""

from collections.abc import Sequence
from typing import Self


class UserError(Exception):
    """A short private answer: what is wrong and what to do next.

    `field` names the form field that it belongs to; the texts are then plain, as they stand below that field.
    Without one they are mrkdwn, in which outside text is escaped. `others` is what is wrong besides.
    """

    def __init__(self, problem: str, next_step: str, *, field: str | None = None) -> None:
        super().__init__(f"{problem} {next_step}")
        self.problem = problem
        self.next_step = next_step
        self.field = field
        self.others: tuple[UserError, ...] = ()

    def besides(self, others: Sequence["UserError"]) -> Self:
        self.others = tuple(others)
        return self
