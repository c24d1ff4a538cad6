"""A COCO export on its way to an MLTable when things go wrong: the follower against the Azure twin, its clock moved by
hand."""

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from commands.exports.follow import follow_exports
from commands.exports.prepare import GONE_AFTER, follow_preparations, prepare
from commands.kit.command import Asked
from commands.kit.errors import UserError
from commands.kit.people import Person
from commands.kit.services import Services
from commands.train.clusters import follow_clusters
from infra.azureml.connection import WorkspaceId
from infra.azureml.errors import AzureError
from infra.azureml.workspace import Workspace
from infra.training.publish import publish
from sandbox.azure.twin import AzureTwin
from sandbox.faults import Fault
from sandbox.line.formats import Picture, write_coco
from sandbox.line.scene import Box
from storage import audit, labels, messages
from storage.labels import Preparation
from tests.bot.conftest import MovedClock, desk, services
from tests.infra.conftest import CLUSTER, line, twin, twin_id
from tests.infra.test_training import until

__all__ = ["desk", "line", "services", "twin", "twin_id"]  # fixtures
COCO = "lids_20261121_080000"
TRAINER = Person("U0TRAINER1", "trainer")


@dataclass
class Work:
    twin: AzureTwin
    services: Services
    clock: MovedClock

    def click(self) -> None:
        asked = Asked(TRAINER, "C0LINEVIS1", "click:exports.prepare", trigger=secrets.token_hex())
        prepare(COCO, asked, self.services)

    def follow(self) -> None:
        """A step of the follower, as the pacer takes it: Azure's trouble is for later."""
        try:
            follow_preparations(self.services)
        except AzureError:
            self.clock.forward(300)

    def until(self, holds: Callable[[Preparation], object]) -> None:
        def step() -> object:
            self.follow()
            return holds(self.last())

        until(step)

    def last(self) -> Preparation:
        with self.services.store.read() as tx:
            return labels.preparations_of(tx, COCO)[0]

    def told(self) -> str:
        """What the channel should read of the last click, with its buttons."""
        with self.services.store.read() as tx:
            message = messages.get(tx, f"prepare:{self.last().id}")
        assert message
        return json.dumps(message.wanted["blocks"], ensure_ascii=False)


@pytest.fixture
def work(twin: AzureTwin, line: Workspace, services: Services, tmp_path: Path) -> Iterator[Work]:
    box = Box("lid", 0.1, 0.1, 0.3, 0.3)
    taken = datetime(2026, 11, 21, 8, tzinfo=UTC)
    pictures = [Picture(f"line/{number}.jpg", taken, (box,)) for number in range(10)]
    (tmp_path / "coco").mkdir()
    write_coco(tmp_path / "coco" / "lids.json", pictures, "workspaceblobstore")
    twin.studio.add_export(COCO, "1", tmp_path / "coco", taken, "coco")
    assert isinstance(services.clock, MovedClock)
    working = replace(services, azure=line)
    follow_clusters(working)
    follow_exports(working)
    yield Work(twin, working, services.clock)
    with services.store.read() as tx:
        assert audit.verify(tx) is None


def test_without_the_published_step_or_a_cluster_it_says_what_to_do(work: Work) -> None:
    work.click()
    work.follow()
    assert work.last().state == "failed"
    assert "spotter publish-pipeline" in work.told()

    work.twin.studio.resize(CLUSTER, 0, 0)
    follow_clusters(work.services)
    with pytest.raises(UserError, match="No cluster of the workspace can run it"):
        work.click()


def test_a_job_is_made_once_while_azure_fails_and_tried_anew_after_it_ended(
    work: Work, twin_id: WorkspaceId
) -> None:
    publish(twin_id, work.services.policy.training, "1")
    work.twin.studio.set_capacity(CLUSTER, available=False)
    work.twin.faults.arm(Fault("PUT", "/jobs/", "answer", status=503, times=9))
    work.click()
    work.follow()
    assert (work.last().state, work.last().tries) == ("submitting", 1)
    assert "The request is kept" in work.told()
    with pytest.raises(UserError, match="is being prepared for trainer already"):
        work.click()
    work.twin.faults.clear()
    work.until(lambda last: last.state == "running")
    assert "It waits for a machine" in work.told()

    work.services.azure.cancel(work.last().id)
    work.until(lambda last: last.state == "failed")
    assert "canceled in Azure" in work.told() and "Prepare again" in work.told()
    work.click()
    work.until(lambda last: last.state == "running")
    names = [job.run_id for job in work.twin.studio.jobs()]
    assert names == [f"prepare-{COCO}-1-2", f"prepare-{COCO}-1-1"]

    work.twin.studio.delete_job(names[0])
    work.follow()
    assert work.last().state == "running"
    work.clock.forward(GONE_AFTER.total_seconds() + 1)
    work.follow()
    assert "someone deleted it" in work.told()


def test_only_a_coco_export_that_is_there_is_prepared(work: Work) -> None:
    asked = Asked(TRAINER, "C0LINEVIS1", "click:exports.prepare")
    with pytest.raises(UserError, match="not a COCO export"):
        prepare("caps_20261120_093011", asked, work.services)
    with pytest.raises(UserError, match="not in the workspace any more"):
        prepare("gone_20261120_093011", asked, work.services)
