"""The limit above which a training is started only by a second click, of somebody who has read what it costs."""

import json
from collections.abc import Mapping
from typing import Any

from commands.kit.blocks import Message, actions, button, context, header, section
from commands.kit.policy import Policy
from commands.kit.words import code, esc, money
from commands.train.estimate import Estimate, words

START, CHANGE = "train.above_budget", "train.other_values"


def is_above(expected: Estimate | None, policy: Policy) -> bool:
    """Whether it is expected to cost more than the limit; what is not known is not above it."""
    limit = policy.training.budget
    return limit is not None and expected is not None and (expected.cost or 0) > limit


def asks_again(values: Mapping[str, str], expected: Estimate, policy: Policy) -> Message:
    """`values` are the arguments of the training, by field name."""
    cost = money(expected.cost or 0, expected.currency)
    limit = money(policy.training.budget or 0, expected.currency)
    title = f"Start {values['model_name']} for about {cost}?"
    what = f"{code(values['dataset'])} on {code(values['cluster'])}"
    lead = f"Nothing has started yet: the limit for a training is {limit}. {words(expected)}"
    carried = json.dumps(values)
    return Message(
        f"{esc(title)} The limit is {limit}.",
        [
            header(title),
            section(lead),
            context(f"{what}, experiment {code(values['experiment'])}"),
            actions(
                button(f"Start for about {cost}", START, carried, style="primary"),
                button("Change it", CHANGE, carried),
            ),
        ],
    )


def in_money(expected: Estimate | None, policy: Policy) -> dict[str, Any]:
    """What the audit trail says of the cost; nothing where it is not known."""
    if expected is None or expected.cost is None:
        return {}
    told = {"expected_cost": f"{expected.cost:.2f} {expected.currency}"}
    if is_above(expected, policy):
        told["above_budget"] = f"{policy.training.budget:.2f} {expected.currency}"
    return told
