"""One click is at most one export, whatever Azure says or leaves unsaid: the follower against the Azure twin, its clock
moved by hand."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from commands.exports.labels import LOOK_FOR, export_labels, follow_labels
from commands.exports.projects import read_projects
from commands.kit.command import Asked
from commands.kit.errors import UserError
from commands.kit.people import Person
from commands.kit.services import Services
from infra.azureml.errors import AzureError
from infra.azureml.workspace import Workspace
from sandbox.azure.twin import AzureTwin
from sandbox.faults import Fault
from sandbox.line.formats import Picture
from sandbox.line.scene import Box
from storage import audit, labels, messages
from storage.labels import LabelExport
from tests.bot.conftest import MovedClock, desk, services
from tests.infra.conftest import line, twin, twin_id
from tests.infra.test_training import until

__all__ = ["desk", "line", "services", "twin", "twin_id"]  # fixtures
TRAINER = Person("U0TRAINER1", "trainer")
POST = r"/exportLabels"
LID = Box("lid", 0.1, 0.1, 0.3, 0.3)


@dataclass
class Work:
    """A labeling project `Lids, wet` of five pictures, three of them labelled, and what follows exports of it."""

    twin: AzureTwin
    services: Services
    clock: MovedClock

    def click(self, place: str = "one") -> None:
        export_labels(
            "lids", Asked(TRAINER, "C0LINEVIS1", f"click:exports.label:lids:{place}"), self.services
        )

    def follow(self) -> None:
        """A step of the follower, as the pacer takes it: Azure's trouble is for later."""
        try:
            follow_labels(self.services)
        except AzureError:
            self.clock.forward(300)

    def until_exported(self) -> None:
        def step() -> bool:
            self.follow()
            return self.wish().state == "exported"

        until(step)

    def wish(self) -> LabelExport:
        """What became of the last click."""
        with self.services.store.read() as tx:
            newest = "SELECT id FROM label_exports ORDER BY requested_at DESC LIMIT 1"
            found = labels.get_export(tx, tx.exec_driver_sql(newest).scalar_one())
        assert found
        return found

    def told(self) -> str:
        """What the channel should read of the last click."""
        with self.services.store.read() as tx:
            message = messages.get(tx, f"labels:{self.wish().id}")
        assert message
        return " ".join(block["text"]["text"] for block in message.wanted["blocks"] if "text" in block)

    def exported(self) -> int:
        names = (container.name for container in self.twin.workspace.assets.containers("data"))
        return sum(name.startswith("Lids_wet_") for name in names)

    def posts(self) -> int:
        return len(self.twin.faults.log("POST", POST))


@pytest.fixture
def work(twin: AzureTwin, line: Workspace, services: Services) -> Iterator[Work]:
    taken = datetime(2026, 11, 22, tzinfo=UTC)
    pictures = [Picture(f"line/{number}.jpg", taken, (LID,)) for number in range(5)]
    twin.studio.add_labeling_project("lids", "workspaceblobstore", pictures, labelled=3)
    twin.workspace.labeling["lids"].given["displayName"] = "Lids, wet"
    assert isinstance(services.clock, MovedClock)
    working = replace(services, azure=line)
    read_projects(working)
    yield Work(twin, working, services.clock)
    with services.store.read() as tx:
        assert audit.verify(tx) is None


def test_an_export_is_followed_to_its_data_asset(work: Work) -> None:
    work.click()
    work.follow()
    assert work.wish().state == "exporting"
    work.until_exported()
    assert (work.wish().export_name or "").startswith("Lids_wet_20")
    assert (work.posts(), work.exported()) == (1, 1)


def test_the_same_click_twice_and_another_one_meanwhile_ask_once(work: Work) -> None:
    work.click()
    work.click()
    with pytest.raises(UserError, match="being exported for trainer already"):
        work.click("another answer")
    work.until_exported()
    work.click()
    assert work.posts() == 1


@pytest.mark.parametrize("action", ["drop_after", "answer"])
def test_after_a_lost_answer_spotter_looks_and_asks_no_second_time(work: Work, action: str) -> None:
    work.twin.faults.arm(Fault("POST", POST, action, status=503))  # type: ignore[arg-type]  # one of both words
    work.click()
    work.follow()
    assert (work.wish().state, work.posts()) == ("asking", 1)
    assert "asks for no second one" in work.told()
    if action == "drop_after":
        work.until_exported()
        assert work.exported() == 1
    else:
        work.follow()
        assert work.wish().state == "asking"
        work.clock.forward(LOOK_FOR.total_seconds() + 1)
        work.follow()
        assert work.wish().state == "unknown"
        assert "no new export has shown up in 10 min" in work.told()
        work.click("its new button")
        work.until_exported()
        assert work.posts() == 2
    work.follow()
    assert work.exported() == 1


def test_where_azure_has_not_begun_it_is_asked_again(work: Work) -> None:
    for status in (429, 401):
        work.twin.faults.arm(Fault("POST", POST, "answer", status=status, times=1 if status == 429 else 2))
    work.click()
    work.follow()
    assert (work.wish().state, work.wish().tries) == ("requested", 1)
    assert "The request is kept" in work.told()
    work.until_exported()
    assert work.exported() == 1


def test_while_azure_hangs_nothing_is_asked(work: Work) -> None:
    hung = work.twin.faults.arm(Fault("GET", r"/data\?", "answer", status=503, times=9))
    work.click()
    work.follow()
    assert (work.wish().state, work.posts()) == ("requested", 0)
    hung.times = 0
    work.until_exported()
    assert work.posts() == 1


def test_a_refusal_is_told_with_a_button_to_try_again(work: Work) -> None:
    work.twin.workspace.labeling["lids"].labelled.clear()
    work.click()
    work.follow()
    assert work.wish().state == "failed"
    assert "no labeled data" in work.told()

    work.twin.workspace.labeling.clear()
    work.click("another answer")
    work.follow()
    assert "not in the workspace any more" in work.told()
    read_projects(work.services)
    with pytest.raises(UserError, match="not in the workspace any more"):
        work.click("a third answer")
    assert work.posts() == 2


def test_an_operation_that_azure_forgot_is_looked_up_among_the_exports(work: Work) -> None:
    work.click()
    work.twin.faults.arm(Fault("GET", "mfeOperationResults", "answer", status=404, times=99))
    work.until_exported()
    assert (work.posts(), work.exported()) == (1, 1)


def test_an_export_that_was_there_before_is_not_taken_for_the_new_one(work: Work) -> None:
    old = work.twin.studio.export_labels("lids")["labeledAssetName"]
    work.twin.faults.arm(Fault("POST", POST, "answer", status=503))
    work.click()
    for _ in range(3):
        work.follow()
    assert (work.wish().state, work.wish().known) == ("asking", [old])
