"""Why a job waits or failed, in the form in which a run's record keeps it."""

from typing import Any

from commands.kit.services import Services
from commands.train.clusters import problem
from commands.train.look import Look
from infra.azureml.errors import AzureError, NotFound
from infra.azureml.faults import Fault
from infra.azureml.jobs import NOT_STARTED, Job
from infra.failures.explain import Elsewhere, explain_fault
from infra.failures.waiting import Situation, why_waiting
from infra.training.register.run_tree import trial_number
from storage.catalog import ClusterRow
from storage.runs import TrainingRun


def waiting_of(run: TrainingRun, job: Job, look: Look, services: Services) -> dict[str, Any] | None:
    """Why no trial is running yet, in a sentence and a remedy; None once one is."""
    trials = (run.progress or {}).get("trials") or []
    if any(trial["status"] not in NOT_STARTED for trial in trials):
        return None
    waiting = why_waiting(_situation(run, job, look, services))
    if waiting is None:
        return None
    return {
        "sentence": waiting.sentence,
        "remedy": waiting.remedy,
        "normal": waiting.normal,
        "held_by": next((held.id for each in waiting.held_by if (held := look.holder(each))), None),
        "elsewhere": bool(waiting.elsewhere) and _has_another(run.cluster, waiting.elsewhere, look),
    }


def failure_of(run: TrainingRun, services: Services) -> dict[str, Any]:
    """The cause in a sentence, what to do, Azure's own words and the last log lines."""
    try:
        fault = services.azure.fault(run.id)
    except AzureError as trouble:
        cause = "The job failed, and Azure did not say why."
        return {"cause": cause, "remedy": "Look at it in the studio.", "raw": str(trouble), "where": run.id}
    told = explain_fault(fault)
    return {
        "cause": told.cause,
        "remedy": told.remedy,
        "raw": told.raw if told.is_known else "",
        "where": _place(fault),
        "log": list(fault.last_lines),
        "failed_trials": fault.failed_trials,
        "trials": fault.trials,
    }


def _place(fault: Fault) -> str:
    """Which part of the job failed, by the name under which its message shows it."""
    number = trial_number(fault.run_id)
    return (fault.run_name or fault.run_id) if number is None else f"trial {number + 1}"


def _situation(run: TrainingRun, job: Job, look: Look, services: Services) -> Situation:
    """What can be read of the deepest run that waits, and of the cluster it waits for."""
    history = look.run((run.progress or {}).get("waits") or run.id)
    try:
        cluster = look.cluster(run.cluster)
    except NotFound:
        return Situation(job, services.clock.now(), run=history, cluster_gone=True)
    full = cluster.running + cluster.preparing >= cluster.max_nodes
    stuck = cluster.allocation_state == "Steady" and cluster.current_nodes < cluster.max_nodes
    nodes = look.nodes(run.cluster) if full else None
    holders = {node.run_id: look.holder(node.run_id) for node in nodes or ()}
    return Situation(
        job,
        services.clock.now(),
        run=history,
        cluster=cluster,
        nodes=nodes,
        usages=look.usage(cluster.location) if stuck else None,
        names={
            part: f"{held.model_name} for {held.requested_by_name}" for part, held in holders.items() if held
        },
        own=frozenset(part for part, held in holders.items() if held and held.id == run.id),
    )


def _has_another(cluster: str, elsewhere: Elsewhere, look: Look) -> bool:
    """Whether there is another usable cluster; one with other machines, where that is what would help."""
    own = next((_machines(row) for row in look.clusters if row.name == cluster), None)
    others = [row for row in look.clusters if row.name != cluster and not problem(row)]
    return any(elsewhere == "cluster" or _machines(row) != own for row in others)


def _machines(row: ClusterRow) -> tuple[Any, ...]:
    """What Azure gives out alike: quota and capacity are of a size, in a region, at a priority."""
    return tuple(row.facts.get(fact) for fact in ("vm_size", "location", "priority"))
