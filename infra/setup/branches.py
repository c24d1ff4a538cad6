"""Which branches' files may use the connection that ships: an edited copy of the pipeline could leave the gate out."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from infra.devops import checks
from infra.devops.checks import BranchControl
from infra.setup.step import Finding, Todo, differs, fine, missing, waits
from infra.setup.world import World

TITLE = "Spotter's branch only"


@dataclass(frozen=True)
class BranchControlStep:
    """The check on a service connection that keeps runs of all branches out but the one that Spotter runs."""

    world: World
    name: str
    kind: ClassVar[str] = "Branch control"

    def look(self) -> Finding:
        connection, branch = self.world.devops.connection, self.world.branch
        endpoint = self.world.devops.endpoint(self.name)
        if endpoint is None:
            return waits("once the connection is there")
        there = checks.on(connection, "endpoint", endpoint.id)
        if checks.lets_in_only(there, branch):
            return fine(f"for branch {branch} alone")
        wanted = BranchControl(TITLE, (branch,))
        others = [each for each in there if isinstance(each.check, BranchControl)]
        if not others:
            make = partial(checks.add, connection, "endpoint", endpoint.id, wanted)
            return missing(f"for branch {branch} alone", make)
        make = partial(checks.change, connection, others[0], "endpoint", endpoint.id, wanted)
        return differs(f"is for other branches than {branch} alone", make)

    def by_hand(self) -> Todo:
        return Todo(
            f"Add the check to the service connection {self.name}: ⋮ → Approvals and checks → + → Branch control",
            self.world.devops_page("_settings", "adminservices"),
            (
                ("Display name", TITLE),
                ("Allowed branches", f"refs/heads/{self.world.branch}"),
                ("Verify branch protection", "No"),
            ),
        )
