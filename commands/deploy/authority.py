"""Whether a request may be shipped at this moment: asked before every effect, not only when people clicked."""

from commands.deploy.facts import gates_passed
from commands.deploy.record import approvers
from commands.deploy.standing import changes_in_azure
from commands.deploy.truth import Look
from commands.kit.people import Person
from commands.kit.policy import Target
from commands.kit.services import Services
from storage import deployments
from storage.deployments import Decision, Deployment


def objection(deployment: Deployment, services: Services) -> str | None:
    """Why the approvals are not in force now, in words; None where they are.

    Raises UserError where Slack does not say who may approve, Unreadable where the model's files cannot be read, and
    AzureError: then nothing may be shipped either.
    """
    target = services.policy.targets.get(deployment.target)
    if target is None:
        return "the target is not in spotter.toml any more"
    if changed := changes_in_azure(deployment, services, Look(services, [deployment])):
        return changed
    with services.store.read() as tx:
        decided = deployments.decisions_on(tx, deployment.id)
    return _too_few(deployment, decided, target, services)


def _too_few(
    deployment: Deployment, decided: list[Decision], target: Target, services: Services
) -> str | None:
    bound = [each for each in decided if each.fingerprint == deployment.fingerprint]
    in_force = [each for each in bound if _is_in_force(each, deployment, target, services)]
    standing = {each.person for each in in_force if each.verdict == "approve"}
    if len(standing) < deployment.approvals_needed:
        approved = [each for each in bound if each.verdict == "approve"]
        gone = [each.person_name for each in approved if each.person not in standing]
        who = f" ({', '.join(dict.fromkeys(gone))} may not approve any more)" if gone else ""
        return f"there are not enough approvals any more{who}"
    overridden = any(each.verdict == "override" for each in in_force)
    if not gates_passed(deployment) and not overridden:
        return "a gate did not pass, and nobody who may has overridden it"
    return None


def _is_in_force(decision: Decision, deployment: Deployment, target: Target, services: Services) -> bool:
    if decision.verdict == "reject" or decision.person == deployment.requested_by:
        return False
    allowed = target.override if decision.verdict == "override" else approvers(target, services)
    return services.people.is_among_now(Person(decision.person, decision.person_name), allowed)
