"""Service hooks by which Azure DevOps tells the bot at once what happens; without them it looks now and then."""

from dataclasses import dataclass
from typing import ClassVar

from infra.devops import hooks
from infra.devops.hooks import Hook
from infra.setup.step import Finding, Todo, differs, fine, for_a_person, missing
from infra.setup.world import World

EVENTS = {
    "runs": ("ms.vss-pipelines.run-state-changed-event", "Run state changed"),
    "stages": ("ms.vss-pipelines.stage-state-changed-event", "Run stage state changed"),
    "approvals": ("ms.vss-pipelinechecks-events.approval-pending", "Run stage waiting for approval"),
}
HEADER = "X-Spotter-Secret"


@dataclass(frozen=True)
class NewsStep:
    """One kind of event, posted to `url` with the secret that the bot knows it by. `name` is one of `EVENTS`."""

    world: World
    name: str
    url: str
    secret: str
    kind: ClassVar[str] = "Service hooks"

    def look(self) -> Finding:
        if not self.secret:
            return no_secret(self.world)
        connection, (event, _) = self.world.devops.connection, EVENTS[self.name]
        there = [hook for hook in hooks.hooks(connection, self.url) if hook.event == event]
        if not there:
            return missing(f"to {self.url}", lambda: hooks.create(connection, event, self.url, self._headers))
        first, *more = there
        if more:
            return differs(f"{len(there)} times to {self.url}", lambda: self._keep_one(more))
        if not first.is_enabled:
            return differs("is switched off", lambda: hooks.update(connection, first, self._headers))
        if not self._has_secret(first):
            return differs("has another secret", lambda: hooks.update(connection, first, self._headers))
        return fine(f"to {self.url}")

    def by_hand(self) -> Todo:
        return Todo(
            f"Create the subscription for {self.name}: + → Web Hooks",
            self.world.devops_page("_settings", "serviceHooks"),
            (
                ("Trigger on this type of event", EVENTS[self.name][1]),
                ("URL", self.url),
                ("HTTP headers", f"{HEADER}:the value of HOOKS_SECRET"),
                ("Resource details to send", "Minimal"),
            ),
        )

    @property
    def _headers(self) -> str:
        return f"{HEADER}:{self.secret}"

    def _has_secret(self, hook: Hook) -> bool:
        """Where Azure DevOps shows asterisks only, the secret is taken to be right."""
        lines = dict(line.partition(":")[::2] for line in hook.headers.splitlines())
        shown = next(
            (value.strip() for name, value in lines.items() if name.strip().lower() == HEADER.lower()), ""
        )
        return shown == self.secret or (shown != "" and set(shown) == {"*"})

    def _keep_one(self, more: list[Hook]) -> None:
        for hook in more:
            hooks.delete(self.world.devops.connection, hook)


def no_secret(world: World) -> Finding:
    """What is found of all that the bot is to know by its secret, where that is not set here."""
    todo = Todo(
        "Make a secret (openssl rand -hex 32), and set it as HOOKS_SECRET for the bot and here",
        world.devops_page("_settings", "serviceHooks"),
    )
    return for_a_person("HOOKS_SECRET is not set here", todo)
