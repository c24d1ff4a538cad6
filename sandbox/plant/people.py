"""Who the people of the Slack workspace are in Azure DevOps."""

from sandbox.devops.identities import APPROVER, ENGINEER, SPOTTER, Identity
from sandbox.slack.workspace import FIRST_APPROVER, PEOPLE, SECOND_APPROVER, TRAINER

LINE_LEAD = Identity("5d0b8a72-1c96-4e3f-a7d4-90e2c6b1f853", "Line lead", "lead@line.example")
MEMBERS = {TRAINER: ENGINEER, FIRST_APPROVER: LINE_LEAD, SECOND_APPROVER: APPROVER}
NAMES = {person.id: person.real_name for person in PEOPLE}
CALLED = {identity.id: NAMES[user] for user, identity in MEMBERS.items()} | {SPOTTER.id: SPOTTER.name}


class RefusedError(Exception):
    """What somebody wanted to do is not done; the message says why, in words for them."""


def member(user: str) -> Identity:
    """Raises RefusedError for who is not a member of the project."""
    if user not in MEMBERS:
        raise RefusedError(f"{NAMES.get(user, user)} is not a member of this Azure DevOps project.")
    return MEMBERS[user]


def called(identity: Identity) -> str:
    """The name under which the page knows them."""
    return CALLED.get(identity.id, identity.name)
