"""Looks into the workspace for the version that a run has published: a green pipeline is no proof."""

from commands.kit.command import COURIER
from commands.kit.services import Services
from commands.publish.command import publish
from commands.publish.record import end, gone_for_long
from commands.train.command import PUBLISHED
from infra.training.component import needed_component
from storage import marks, publishes
from storage.publishes import PublishRun

VERIFY = "published versions"


@publish.follow(VERIFY, every=lambda policy: policy.pace.runs_seconds)
def verify_publishes(services: Services) -> None:
    """One list call, and one for each run that has ended well and whose version was not seen yet."""
    with services.store.read() as tx:
        ended = [run for run in publishes.open_runs(tx) if run.state == "completed"]
    if not ended:
        return
    name = needed_component(services.policy.training)
    latest = services.azure.published(name)
    if latest is not None:
        with services.store.write() as tx:
            marks.put(tx, PUBLISHED, latest.version, services.clock.now())
    for run in ended:
        _verify(run, name, services)
    services.wake(COURIER)


def _verify(run: PublishRun, name: str, services: Services) -> None:
    assert run.version is not None  # noqa: S101  set when its pipeline ended
    if services.azure.has_component(name, run.version):
        end(run, "published", services)
    elif gone_for_long(run, services):
        failure = {
            "cause": f"The pipeline ended well, but the workspace has no version {run.version} of {name}.",
            "remedy": "Check that its variables file names the workspace that Spotter uses.",
        }
        end(run, "failed", services, failure=failure)
