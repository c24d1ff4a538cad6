"""People of every kind, by the word for what they may do, and the user groups that they are in."""

from sandbox.slack.workspace import Person

CREW = "S0CREW0001"
REQUESTER = "U0DEPLOYS1"


def _person(user: str, name: str, **more: object) -> Person:
    return Person(user, name, name.capitalize(), "", **more)  # type: ignore[arg-type]  # fields of a dataclass


PEOPLE: dict[str, tuple[Person, tuple[str, ...]]] = {
    "outsider": (_person("U0OUTSIDE1", "outsider"), ()),
    "viewer": (_person("U0VIEWER01", "viewer"), (CREW,)),
    "trainer": (_person("U0TRAINER2", "trainer"), (CREW, "S0TRAINERS")),
    "publisher": (_person("U0PUBLISH1", "publisher"), (CREW,)),
    "requester": (_person(REQUESTER, "requester"), (CREW,)),
    "approver": (_person("U0APPROVES", "approver"), (CREW, "S0LINEONE1")),
    "approver of another target": (_person("U0APPROVE2", "other_approver"), (CREW, "S0LINETWO1")),
    "overrider": (_person("U0OVERRID1", "overrider"), (CREW,)),
    "guest": (_person("U0GUEST001", "guest", is_guest=True), ()),
    "deactivated": (_person("U0GONE0001", "gone", is_deactivated=True), ()),
    "stranger": (_person("U0STRANGE1", "stranger", team="T0PARTNER1"), ()),
    "unknown": (_person("U0NOBODY01", "nobody"), ()),
}
"""The outsider is of the workspace and in no group; the stranger is of another workspace, in a channel that both
share; the deactivated one is named by id wherever somebody can be; nobody knows the unknown one."""
