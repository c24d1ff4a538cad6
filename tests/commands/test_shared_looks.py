"""What one look at open requests asks of the services, by how many are open: they share it."""

from collections import Counter
from pathlib import Path

import pytest

from commands.deploy.command import DeployArgs, ask
from commands.deploy.decide import approve
from commands.deploy.follow import follow_deployments
from commands.deploy.rollback import roll_back_now
from commands.kit.command import Asked
from commands.kit.people import Person
from commands.kit.policy import Gates, Policy, Target
from commands.kit.services import Services
from storage import deployments
from tests.commands.one_thread import seat
from tests.commands.small_plant import MODEL, Device, Plant

TRAINER, ANA = Person("UTRAINER", "trainer"), Person("UANA", "approver")
HUB_AT_ONCE = 3  # deployments, devices, their modules
MODEL_AND_FILES = 2


@pytest.mark.parametrize("number", [1, 20])
def test_a_look_at_open_requests_asks_as_much_for_many_as_for_one(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixed = {"approvals": 1, "rings": ["all"], "gates": Gates(worse_by=1), "deadline_minutes": 600}
    lines = [f"line-{each}" for each in range(number)]
    policy = Policy(targets={name: Target(channel="C0", approvers=[ANA.id], **fixed) for name in lines})
    with seat(tmp_path, monkeypatch) as there:
        plant = Plant(there.clock.now, devices=[Device(f"{name}-1", name, "rest") for name in lines])
        there.empties(plant)
        services = there.starts(policy)
        for name in lines:
            ask(DeployArgs(f"{MODEL}:2", name, "better"), Asked(TRAINER, "C0", f"click:{name}"), services)
        _looks(plant, services)
        assert _looks(plant, services) == {"azure": MODEL_AND_FILES}, "all wait for approvers"

        for each in _open(services):
            approve(each, Asked(ANA, "C0", f"{each}:yes"), services)
        for _ in range(3):
            _looks(plant, services)
        assert len(plant.builds) == number
        assert _looks(plant, services) == {"devops": 1}, "all runs are on their way"

        for device in plant.devices:
            device.is_silent = True
        for build in plant.builds:
            build.status = "completed"
            plant.ship(build)
        _looks(plant, services)
        assert _looks(plant, services) == {"hub": HUB_AT_ONCE}, "all devices are waited for"

        for each in _open(services):
            roll_back_now(each, Asked(TRAINER, "C0", f"back:{each}"), services)
        _looks(plant, services)
        assert not plant.configurations
        assert _looks(plant, services) == {"hub": HUB_AT_ONCE}, "all devices are to come back"


def _looks(plant: Plant, services: Services) -> Counter[str]:
    plant.asked.clear()
    follow_deployments(services)
    return plant.asked


def _open(services: Services) -> list[str]:
    with services.store.read() as tx:
        return [each.id for each in deployments.in_states(tx, deployments.OPEN)]
