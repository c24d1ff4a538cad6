"""The command: its arguments, what is checked before a job is made, and what is written down when it starts."""

from dataclasses import asdict

from commands.exports import readiness
from commands.kit.command import COURIER, Answer, Asked, Command, OpenForm, Reply
from commands.kit.errors import UserError
from commands.kit.forms import told
from commands.kit.services import Services
from commands.kit.words import esc, listing
from commands.train import clusters
from commands.train.budget import asks_again, is_above
from commands.train.estimate import Estimate, expect, size_of, words
from commands.train.form import TrainArgs
from commands.train.request import request
from commands.train.show import show_run
from infra.training.component import needed_component
from storage import audit, catalog, marks, runs

RUNS = "training runs"
PUBLISHED, NOT_PUBLISHED = "pipeline.published", "no"


train = Command(
    "/train",
    TrainArgs,
    role="train",
    summary="Train a detection model on a labeling export",
    title="Train a model",
    submit="Start training",
    changes=True,
)
train.follow("clusters", every=lambda policy: policy.pace.catalog_seconds, rests=True)(
    clusters.follow_clusters
)


@train.check
def dataset_is_there_and_fit(args: TrainArgs, services: Services) -> None:
    with services.store.read() as tx:
        export = catalog.get_export(tx, args.dataset)
        newest = catalog.list_exports(tx, limit=3)
        previous = readiness.before(tx, export) if export else None
    if not newest:
        raise UserError(
            "Spotter knows no labeling export yet.",
            "Export one from your labeling project; if there are some, /spotter tells how things stand with Azure.",
            field="dataset",
        )
    if export is None:
        hint = f"The newest are {listing([row.name for row in newest])}."
        raise UserError(f"There is no labeling export called “{args.dataset[:80]}”.", hint, field="dataset")
    readiness.must_be_trainable(export, previous, services.policy.exports)


@train.check
def cluster_is_usable(args: TrainArgs, services: Services) -> None:
    clusters.must_be_usable(args.cluster, services)


@train.check
def pipeline_is_published(args: TrainArgs, services: Services) -> None:
    with services.store.read() as tx:
        version = marks.get(tx, PUBLISHED)
    if version == NOT_PUBLISHED:
        raise UserError(
            "The training pipeline is not published in this workspace yet.",
            "Somebody with the role publish types /publish; spotter publish-pipeline --version 1 does the same.",
        )


@train.follow("pipeline", every=lambda policy: policy.pace.catalog_seconds, rests=True)
def follow_pipeline(services: Services) -> None:
    """Which version of the training pipeline is published."""
    published = services.azure.published(needed_component(services.policy.training))
    marks.keep(
        services.store, PUBLISHED, published.version if published else NOT_PUBLISHED, services.clock.now()
    )


@train.preview
def expected_of(values: dict[str, str], services: Services) -> str:
    """How long and how much, once it is known on what and where."""
    dataset, cluster = values.get("dataset"), values.get("cluster")
    if not dataset or not cluster:
        return "How long it takes, and what it costs, is told here once export and cluster are chosen."
    with services.store.read() as tx:
        expected = expect(tx, size_of(tx, dataset, cluster, services.policy), services.policy)
    if is_above(expected, services.policy):
        return f"{words(expected)} :warning: That is above the limit: you are asked once more."
    return words(expected)


@train.run
def start(args: TrainArgs, asked: Asked, services: Services) -> Answer:
    """What costs more than the limit is started by a second click."""
    with services.store.read() as tx:
        expected = expect(tx, size_of(tx, args.dataset, args.cluster, services.policy), services.policy)
    if expected and is_above(expected, services.policy):
        return Reply(asks_again(asdict(args), expected, services.policy))
    _start(args, asked, services, expected)
    return None


@train.action("above_budget", changes=True)
def start_above_budget(values: str, asked: Asked, services: Services) -> Answer:
    args = train.parse(told(values))
    train.validate(args, services)
    with services.store.read() as tx:
        expected = expect(tx, size_of(tx, args.dataset, args.cluster, services.policy), services.policy)
    _start(args, asked, services, expected)
    return None


def _start(args: TrainArgs, asked: Asked, services: Services, expected: Estimate | None) -> None:
    with services.store.write() as tx:
        request(tx, args, asked, services, expected, channel=asked.channel)
    services.wake(COURIER)
    services.wake(RUNS)


@train.action("start")
def open_form(_value: str, asked: Asked, services: Services) -> Answer:
    return OpenForm(train, {})


@train.action("on_export")
def train_on_export(name: str, asked: Asked, services: Services) -> Answer:
    return OpenForm(train, {"dataset": name})


@train.action("other_values")
def choose_otherwise(values: str, asked: Asked, services: Services) -> Answer:
    return OpenForm(train, told(values))


@train.action("again")
def train_again(run_id: str, asked: Asked, services: Services) -> Answer:
    with services.store.read() as tx:
        run = runs.get(tx, run_id)
    if run is None:
        raise UserError("That run is not in Spotter's records any more.", "Type /train to start a new one.")
    values = {
        "model_name": run.model_name,
        "dataset": run.dataset,
        "cluster": run.cluster,
        "experiment": run.experiment,
    }
    return OpenForm(train, values)


@train.action("cancel", changes=True)
def cancel(run_id: str, asked: Asked, services: Services) -> Answer:
    """Commit the wish; the follower asks Azure, and asks again until the job has ended."""
    now = services.clock.now()
    with services.store.write() as tx:
        run = runs.get(tx, run_id)
        if run is None:
            raise UserError("That run is not in Spotter's records any more.", "/runs shows the others.")
        if not run.is_open or run.state == "completed":
            raise UserError(
                f"{esc(run.model_name)} is not running any more: it is {run.state}.",
                "There is nothing to cancel.",
            )
        if run.cancel_by:
            raise UserError(
                f"{esc(run.cancel_by)} has canceled it already.",
                "It stops as soon as Azure has ended its trials.",
            )
        run = runs.change(tx, run_id, cancel_by=asked.person.name)
        audit.record(tx, at=now, actor=asked.person.id, action="train.cancel", subject=run_id)
        show_run(tx, run, services)
    services.wake(COURIER)
    services.wake(RUNS)
    return None
