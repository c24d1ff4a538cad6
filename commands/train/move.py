"""Takes a training that waits to another cluster: the one is canceled and the other asked for in one step."""

from dataclasses import dataclass

from commands.kit.command import COURIER, Answer, Asked, OpenForm, carried, choice
from commands.kit.errors import UserError
from commands.kit.services import Services
from commands.kit.words import esc
from commands.train import clusters
from commands.train.budget import is_above
from commands.train.command import RUNS, train
from commands.train.estimate import expect, size_of, words
from commands.train.form import TrainArgs
from commands.train.request import request
from commands.train.show import show_run
from infra.azureml.jobs import NOT_STARTED
from storage import audit, runs
from storage.runs import TrainingRun


@dataclass(frozen=True)
class MoveArgs:
    run_id: str = carried()
    cluster: str = choice("GPU cluster", hint="The waiting training is canceled", from_=clusters.gpu_clusters)


move = train.dialog("move", MoveArgs, role="train", title="Move to another cluster", submit="Move")


@train.action("move")
def ask(run_id: str, asked: Asked, services: Services) -> Answer:
    _waiting(run_id, services)
    return OpenForm(move, {"run_id": run_id})


@move.check
def another_cluster(args: MoveArgs, services: Services) -> None:
    run = _waiting(args.run_id, services)
    if args.cluster == run.cluster:
        raise UserError(f"It waits for {run.cluster} already.", "Choose another one.", field="cluster")
    clusters.must_be_usable(args.cluster, services)
    with services.store.read() as tx:
        expected = expect(tx, size_of(tx, run.dataset, args.cluster, services.policy), services.policy)
    if expected and is_above(expected, services.policy):
        raise UserError(
            f"There it costs more than the limit for a training. {words(expected)}",
            "If it is worth that, cancel this one and start it there with /train.",
            field="cluster",
        )


@move.run
def take(args: MoveArgs, asked: Asked, services: Services) -> Answer:
    run = _waiting(args.run_id, services)
    wanted = TrainArgs(run.model_name, run.dataset, args.cluster, run.experiment)
    with services.store.write() as tx:
        expected = expect(tx, size_of(tx, wanted.dataset, wanted.cluster, services.policy), services.policy)
        if request(tx, wanted, asked, services, expected, channel=run.channel):
            canceled = runs.change(tx, run.id, cancel_by=asked.person.name)
            audit.record(
                tx,
                at=services.clock.now(),
                actor=asked.person.id,
                action="train.move",
                subject=run.id,
                cluster=args.cluster,
            )
            show_run(tx, canceled, services)
    services.wake(COURIER)
    services.wake(RUNS)
    return None


def _waiting(run_id: str, services: Services) -> TrainingRun:
    """Raises UserError where there is nothing to move any more."""
    with services.store.read() as tx:
        run = runs.get(tx, run_id)
    trials = (run.progress or {}).get("trials") or [] if run else []
    if run is None or not run.is_open or run.cancel_by:
        raise UserError("That training does not wait any more.", "/runs shows how it stands.")
    if any(trial["status"] not in NOT_STARTED for trial in trials):
        raise UserError(f"{esc(run.model_name)} is training now.", "Cancel it if it is not wanted there.")
    return run
