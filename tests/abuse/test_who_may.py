"""Every action by every kind of person: it has its effect for those who may; for all others nothing is written,
nothing is begun, and nothing is told."""

from collections import Counter as Tally
from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

import pytest

from commands import rooms
from commands.spotter.command import keep_roles_fresh
from infra.http.errors import Throttled, Unavailable
from sandbox.faults import Fault
from sandbox.slack.workspace import Person
from tests.abuse.actions import ROWS, RULES, Row
from tests.abuse.counter import Counter, Seen
from tests.abuse.people import PEOPLE


def declared() -> list[str]:
    """Every action that follows from the declarations."""
    forms = [form for command in rooms.ALL for form in (command, *command.dialogs)]
    return [
        *(f"{way} {command.name}" for way in ("typed", "mentioned") for command in rooms.ALL),
        *(f"button {action.id}" for command in rooms.ALL for action in command.actions.values()),
        *(f"form {form.word}" for form in forms if form.fields),
        *(f"menu {form.word}:{field.name}" for form in forms for field in form.fields if field.choices),
        *(f"preview {form.word}" for form in forms if form.previewed),
        "home Home",
    ]


def test_every_action_that_is_declared_has_its_row_and_no_row_is_of_another() -> None:
    assert Tally(map(str, ROWS)) == Tally(declared())


def delivery(bot: Counter, row: Row, who: Person) -> dict[str, Any]:
    if row.way == "typed":
        return bot.typed(who, row.name, row.given)
    if row.way == "mentioned":
        return bot.mentioned(who, f"{row.name.removeprefix('/')} {row.given}")
    if row.way == "button":
        return bot.clicked(who, row.name, row.given)
    if row.way == "menu":
        return bot.suggested(who, row.name, row.given)
    if row.way == "home":
        return bot.opens_home(who)
    view = bot.view(row.name, row.values, row.about)
    if row.way == "form":
        return bot.submitted(who, view)
    return bot.chosen(who, f"{row.name}:{next(iter(row.values))}", view)


def tried(bot: Counter, row: Row, who: Person) -> tuple[Seen, set[str]]:
    """What came of it, and the words of the plant that were told and not known before."""
    body = delivery(bot, row, who)
    seen = bot.deliver(body)
    known = {word.lower() for word in Seen(0, str(body), [], set(), [], []).words()}
    if seen.changed:
        bot.restore()
    return seen, seen.words() - known


def wrong_cells(bot: Counter, kinds: Iterable[str], rules: Mapping[str, set[str]]) -> list[str]:
    """Those of every action by these kinds of people in which something else happens than the rules have."""
    wrong = []
    for kind, row in product(kinds, ROWS):
        who = PEOPLE[kind][0]
        seen, learned = tried(bot, row, who)
        problem = (
            granted(row, seen, who)
            if kind in rules[row.rule]
            else refused(row, seen, learned, is_of_the_crew=kind in rules["role view"])
        )
        if problem:
            wrong.append(f"{row} by {kind}: {problem}: {seen.told.strip()[:200]}")
    return wrong


def test_each_cell_of_the_table(bot: Counter) -> None:
    assert wrong_cells(bot, PEOPLE, RULES) == []


def test_everyone_is_everyone_of_the_workspace_and_nobody_of_another(bot: Counter) -> None:
    """As it is where no policy says who may look: guests are of the workspace."""
    roles = bot.services.policy.roles.model_copy(update={"view": "everyone"})
    bot.open(bot.services.policy.model_copy(update={"roles": roles}))
    rules = {**RULES, "role view": RULES["role view"] | {"outsider", "guest"}}
    assert wrong_cells(bot, ("outsider", "guest", "stranger"), rules) == []


def test_who_slack_does_not_tell_about_may_nothing(bot: Counter) -> None:
    for method in ("usergroups.users.list", "users.info"):
        bot.twin.faults.arm(Fault("POST", method, "answer", times=100_000))
    bot.open(bot.services.policy)
    nobody: dict[str, set[str]] = {rule: set() for rule in RULES}
    assert wrong_cells(bot, ("trainer", "approver", "overrider"), nobody) == []


def test_slack_is_asked_for_its_groups_no_sooner_than_it_wants_to_be(bot: Counter) -> None:
    throttled = Fault("POST", "usergroups.users.list", "answer", status=429, headers={"Retry-After": "40"})
    bot.twin.faults.arm(throttled)
    with pytest.raises(Throttled) as told:
        keep_roles_fresh(bot.services)
    assert told.value.retry_after == 40
    bot.twin.faults.arm(Fault("POST", "usergroups.users.list", "drop_before"))
    with pytest.raises(Unavailable):
        keep_roles_fresh(bot.services)
    keep_roles_fresh(bot.services)


def granted(row: Row, seen: Seen, who: Person) -> str:
    if ":warning:" in seen.told or seen.status != 200:
        return f"was refused ({seen.status})"
    if row.effect == "changes":
        by = [each for each in seen.audited if each.startswith(f"{who.id} ")]
        return "" if by else f"changed {seen.changed} and audited {seen.audited}"
    if seen.changed - {"messages", "pictures"} or seen.audited:
        return f"changed {seen.changed}"
    if row.effect == "asks in a form":
        return "" if "views.open" in seen.calls or "A few details" in seen.told else "opened no form"
    return "" if seen.told.strip("\n") else "told nothing"


def refused(row: Row, seen: Seen, learned: set[str], *, is_of_the_crew: bool) -> str:
    if seen.changed:
        return f"changed {seen.changed}"
    if seen.woken and not is_of_the_crew:
        return f"woke {seen.woken}"
    if learned and (row.way in ("menu", "preview") or not is_of_the_crew):
        return f"learned {sorted(learned)}"
    return ""
