"""People who use Slack, for tests that read like stories.

    with People(twin.url) as people:
        people["trainer"].types("/train Cap_Model")
        modal = people["trainer"].sees_modal("Train a model").fills({"GPU cluster": "gpu"})
        modal.submits()
        card = people.channel("line-vision").shows("Cap_Model: trial 1 of 4")
        people["trainer"].clicks("Cancel run", on=card)

Everything waits for a condition with a deadline, and says what was there instead.
"""

from .modal import Field, Modal
from .people import People, Room, steady
from .person import Home, Message, Person
from .wire import NotSeenError, RefusedError

__all__ = [
    "Field",
    "Home",
    "Message",
    "Modal",
    "NotSeenError",
    "People",
    "Person",
    "RefusedError",
    "Room",
    "steady",
]
