"""Whatever interrupts `spotter provision`, running it again comes to the same end."""

from sandbox.faults import Fault
from tests.setup.place import END, Place


def test_killed_at_any_write_and_run_again_it_comes_to_the_same_end(place: Place) -> None:
    """Each process gets on to the write at which the next fault waits."""
    for faults, method, path, before in (
        (place.devops.faults, "POST", r"/pipelines\?", True),
        (place.devops.faults, "POST", r"/pipelines\?", False),
        (place.devops.faults, "POST", r"/environments\?", False),
        (place.devops.faults, "PATCH", "/pipelinepermissions/environment/", True),
        (place.devops.faults, "POST", "/hooks/subscriptions", False),
        (place.devops.faults, "POST", r"/endpoints\?", False),
        (place.devops.faults, "PATCH", "/pipelinepermissions/endpoint/", False),
        (place.azure.faults, "PUT", "/federatedIdentityCredentials/", True),
        (place.azure.faults, "PUT", "/federatedIdentityCredentials/", False),
        (place.azure.faults, "PUT", "/datastores/", False),
        (place.azure.faults, "PUT", "/computes/", False),
        (place.devops.faults, "POST", "/checks/configurations", False),
    ):
        place.killed_at(faults.arm(Fault(method, path, "hang_before" if before else "hang_after")))
    finished = place.apply()
    assert (finished.code, finished.err) == (0, "")
    assert place.end() == END
    written = len(place.writes())
    assert place.apply().code == 0
    assert len(place.writes()) == written


def test_lost_answers_leave_nothing_out_and_double_nothing(place: Place) -> None:
    place.devops.faults.arm(Fault("POST", r"/environments\?", "drop_before"))
    for method in ("POST", "PUT", "PATCH"):
        place.devops.faults.arm(Fault(method, "/_apis/", "drop_after", times=50))
        place.azure.faults.arm(Fault(method, "/providers/", "drop_after", times=50))
    applied = place.apply()
    assert (applied.code, applied.err) == (0, "")
    assert place.end() == END
