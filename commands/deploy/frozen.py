"""Whether a target is frozen, in words for cards and for Azure DevOps."""

from commands.kit.services import Services
from storage.deployments import Deployment


def freeze(deployment: Deployment, services: Services) -> str | None:
    """Why nothing may be shipped to the target now; None where it is not frozen."""
    target = services.policy.targets.get(deployment.target)
    until = target.frozen_until(services.clock.now()) if target else None
    if target is None or until is None:
        return None
    end = f"{until:%a} {until.day} {until:%b %Y, %H:%M}"
    return f"{deployment.target} is frozen until {end} ({target.time_zone})."


def frozen_for_now(deployment: Deployment, services: Services) -> str | None:
    """The same, for those who are asked meanwhile."""
    frozen = freeze(deployment, services)
    return f"{frozen} What is approved is shipped afterwards." if frozen else None
