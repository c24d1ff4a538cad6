"""The gate before the devices: every ring's environment asks the bot whether this very run was approved."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from infra.devops import checks, resources
from infra.devops.checks import Question, Standing
from infra.setup.news import HEADER, no_secret
from infra.setup.pipelines import may_use, permit, pipeline_named
from infra.setup.step import Finding, Todo, differs, fine, for_a_person, missing, waits
from infra.setup.world import World

PATH = "/checks/deployment"
TITLE = "Approved in Spotter"
CRITERIA = "eq(root['approved'], true)"
"""Not every answer of 2xx is the bot's: what stands before it may say so too while it is down."""


@dataclass(frozen=True)
class BotConnectionStep:
    """The service connection that leads to the bot, for the edge pipeline's checks only."""

    world: World
    name: str
    url: str
    pipeline: str
    kind: ClassVar[str] = "Service connections"

    def look(self) -> Finding:
        there = self.world.devops.endpoint(self.name)
        if there is None:
            return missing(f"leads to {self.url}, for {self.pipeline}", self._make)
        if there.kind.lower() != "generic" or there.url.rstrip("/") != self.url:
            return for_a_person(f"leads elsewhere: to {there.url or there.kind}", self.by_hand())
        if may_use(self.world, self.pipeline, "endpoint", there.id):
            return fine(f"leads to {self.url}, for {self.pipeline}")
        if pipeline_named(self.world, self.pipeline) is None:
            return waits(f"once the pipeline {self.pipeline} is there")
        words = f"{self.pipeline} may not use it yet"
        return differs(words, lambda: permit(self.world, self.pipeline, "endpoint", there.id))

    def by_hand(self) -> Todo:
        return Todo(
            f"Let the service connection {self.name} lead to the bot: New service connection → Generic",
            self.world.devops_page("_settings", "adminservices"),
            (("Server URL", self.url), ("Name", self.name), ("Pipeline permissions", self.pipeline)),
        )

    def _make(self) -> None:
        made = resources.ensure_address(self.world.devops.connection, self.name, self.url)
        if pipeline_named(self.world, self.pipeline):
            permit(self.world, self.pipeline, "endpoint", made.id)


@dataclass(frozen=True)
class GateStep:
    """The check on the environment of one ring; without `bot` there is none to ask."""

    world: World
    name: str
    bot: str
    secret: str
    kind: ClassVar[str] = "Approval checks"

    def look(self) -> Finding:
        if not self.bot:
            return for_a_person("no check asks Spotter before it ships", _unguarded(self.world))
        if not self.secret:
            return no_secret(self.world)
        connection = self.world.devops.connection
        environment = resources.environment(connection, self.name)
        leads = self.world.devops.endpoint(self.bot)
        if environment is None or leads is None:
            return waits("once environment and connection are there")
        body = {"buildId": "$(Build.BuildId)"}
        wanted = Question(TITLE, leads.id, PATH, {HEADER: self.secret}, body, CRITERIA)
        there = checks.on(connection, "environment", environment.id)
        asked = [each for each in there if checks.asks([each], PATH)]
        if not asked:
            make = partial(checks.add, connection, "environment", environment.id, wanted)
            return missing("asks Spotter", make)
        first, *more = asked
        if more:
            return differs(f"asks {len(asked)} times", lambda: self._keep_one(more))
        if first.check != wanted:
            make = partial(checks.change, connection, first, "environment", environment.id, wanted)
            return differs("asks in another way", make)
        return fine("asks Spotter")

    def by_hand(self) -> Todo:
        return Todo(
            f"Add the check to the environment {self.name}: Approvals and checks → Invoke REST API",
            self.world.devops_page("_environments"),
            (
                ("Display name", TITLE),
                ("Service connection", self.bot),
                ("Method", "POST"),
                ("Headers", f'{{"Content-Type": "application/json", "{HEADER}": the value of HOOKS_SECRET}}'),
                ("Body", '{"buildId": "$(Build.BuildId)"}'),
                ("URL suffix", PATH),
                ("Completion event", "ApiResponse"),
                ("Success criteria", CRITERIA),
                ("Time between evaluations (minutes)", str(checks.RETRY_MINUTES)),
                ("Timeout", f"{checks.MINUTES} minutes"),
            ),
        )

    def _keep_one(self, more: list[Standing]) -> None:
        for each in more:
            checks.remove(self.world.devops.connection, each)


def _unguarded(world: World) -> Todo:
    return Todo(
        "Set [provision] public_url and HOOKS_SECRET, so that every ring's environment asks the bot; or put an approval"
        " of your own on each",
        world.devops_page("_environments"),
    )
