"""Whatever Slack delivers, and whatever hooks bring: an answer in words and nothing broken, and nothing is begun that
nobody asked for."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commands import rooms
from commands.kit.policy import Roles
from tests.abuse import plant
from tests.abuse.actions import ROWS
from tests.abuse.counter import Counter
from tests.abuse.people import PEOPLE
from tests.abuse.strange import JUNK

WHO = PEOPLE["trainer"][0]
FORMS = [form for command in rooms.ALL for form in (command, *command.dialogs)]
ACTIONS = [action.id for command in rooms.ALL for action in command.actions.values()]
KNOWN = [value for name, value in vars(plant).items() if name.isupper() and isinstance(value, str)]
text = st.one_of(
    st.text(max_size=300),
    st.sampled_from([*KNOWN, *(each for each in JUNK if isinstance(each, str) and len(each) < 300)]),
    st.sampled_from(
        ["9" * 30, "9" * 5000, "-1", "Zebra_Model:999999999999999999999", "'; DROP TABLE audit; --"]
    ),
)
values = st.one_of(text, st.sampled_from([row.given for row in ROWS if row.given]))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
typed = st.one_of(
    text,
    st.lists(values, max_size=6).map(" ".join),
    st.lists(
        st.tuples(st.sampled_from([f.name for form in FORMS for f in form.fields]), values), max_size=4
    ).map(lambda given: " ".join(f"{name}={value}" for name, value in given)),
)


@pytest.fixture
def open_bot(bot: Counter) -> Iterator[Counter]:
    """Anybody may do anything, and each delivery finds what the ones before have left, as in life."""
    roles = Roles(
        view="everyone", train="everyone", publish="everyone", deploy="everyone", approve="everyone"
    )
    bot.open(bot.services.policy.model_copy(update={"roles": roles}))
    yield bot


def understood(bot: Counter, body: dict[str, Any]) -> None:
    seen = bot.deliver(body)
    assert seen.status == 200
    assert "Something went wrong inside Spotter" not in seen.told
    assert "incident" not in " ".join(seen.audited)


fuzzed = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@fuzzed
@given(command=st.sampled_from([command.name for command in rooms.ALL]), text=typed, mentioned=st.booleans())
def test_any_text_after_a_command_is_answered(
    open_bot: Counter, command: str, text: str, mentioned: bool
) -> None:
    if mentioned:
        understood(open_bot, open_bot.mentioned(WHO, f"{command.removeprefix('/')} {text}"))
    else:
        understood(open_bot, open_bot.typed(WHO, command, text))


@fuzzed
@given(action=st.sampled_from(ACTIONS) | text, value=values | json_values.map(json.dumps))
def test_any_button_with_any_value_is_answered(open_bot: Counter, action: str, value: str) -> None:
    understood(open_bot, open_bot.clicked(WHO, action, value))


@fuzzed
@given(data=st.data())
def test_any_state_of_any_form_is_answered(open_bot: Counter, data: st.DataObject) -> None:
    form = data.draw(st.sampled_from(FORMS))
    entered = data.draw(
        st.dictionaries(st.sampled_from([f.name for f in form.fields] or [""]) | text, values)
    )
    about = data.draw(
        st.dictionaries(st.sampled_from([f.name for f in form.fields] or [""]), values, max_size=2)
    )
    view = open_bot.view(form.word, entered, about)
    view["private_metadata"] = data.draw(
        st.just(view["private_metadata"]) | text | json_values.map(json.dumps)
    )
    view["state"] = data.draw(st.just(view["state"]) | st.fixed_dictionaries({"values": json_values}))
    if data.draw(st.booleans()):
        understood(open_bot, open_bot.submitted(WHO, view))
    else:
        understood(open_bot, open_bot.chosen(WHO, f"{form.word}:x", view))


@fuzzed
@given(
    menu=st.sampled_from([f"{form.word}:{field.name}" for form in FORMS for field in form.fields]) | text,
    said=text,
)
def test_any_menu_is_filled(open_bot: Counter, menu: str, said: str) -> None:
    understood(open_bot, open_bot.suggested(WHO, menu, said))
