"""What is left in IoT Hub for a target's devices to go back to, after something was shipped or taken back.

A hub takes a hundred deployments, so only the one below what runs is kept. Records and cards must not promise more.
"""

from sqlalchemy import Connection

from commands.deploy.record import change
from commands.deploy.rings import with_ring
from commands.kit.services import Services
from infra.iothub.deployments import ALL
from infra.iothub.hub import Survey
from storage import deployments


def note_stack(tx: Connection, target: str, survey: Survey, services: Services) -> None:
    """Of each request that was shipped there: whether it still can be taken back, and what comes back then."""
    there = {each.key: each for each in survey.deployments if each.target == target and each.ring == ALL}
    for shipped in deployments.in_states(tx, deployments.ON_DEVICES, target):
        if shipped.is_withdrawn or not shipped.rings:
            continue
        own = there.get(shipped.request_id)
        below = survey.below(own) if own else None
        words = f"{below.model} v{below.version}" if below else ""
        last = {**shipped.rings[-1], "below": words, "withdrawn": own is None}
        change(tx, shipped, services, rings=with_ring(shipped, last).rings)
