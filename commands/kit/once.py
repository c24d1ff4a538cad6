"""What several records of one pass need to know is asked once."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from infra.azureml.errors import Unreadable
from infra.http.errors import AzureError

About = TypeVar("About", bound=Hashable)
Answer = TypeVar("Answer")


class Once(Generic[About, Answer]):
    """The same answer, or the same trouble, however often it is asked about something. For one pass of a follower."""

    def __init__(self, ask: Callable[[About], Answer]) -> None:
        self._ask = ask
        self._answers: dict[About, Answer] = {}
        self._troubles: dict[About, AzureError | Unreadable] = {}

    def __call__(self, about: About) -> Answer:
        if about in self._troubles:
            raise self._troubles[about]
        if about not in self._answers:
            try:
                self._answers[about] = self._ask(about)
            except (AzureError, Unreadable) as trouble:
                self._troubles[about] = trouble
                raise
        return self._answers[about]
