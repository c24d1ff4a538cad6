"""Search spaces as AutoML writes them: `choice('small','medium')`, `uniform(0.0001,0.01)`, or a plain value."""

import ast
import itertools
import math
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_CALL = re.compile(r"\s*(?P<name>[a-z]+)\s*\((?P<arguments>.*)\)\s*", re.DOTALL)


class SearchSpaceError(ValueError):
    pass


@dataclass(frozen=True)
class Distribution:
    name: str
    arguments: tuple[Any, ...]

    def draw(self, chance: random.Random) -> Any:
        return _DRAWS[self.name](chance, *self.arguments)


def _rounded(value: float, step: float) -> float:
    return round(value / step) * step


_DRAWS: dict[str, Callable[..., Any]] = {
    "choice": lambda chance, *options: chance.choice(options),
    "randint": lambda chance, upper: chance.randrange(upper),
    "uniform": lambda chance, low, high: chance.uniform(low, high),
    "quniform": lambda chance, low, high, q: _rounded(chance.uniform(low, high), q),
    "loguniform": lambda chance, low, high: math.exp(chance.uniform(low, high)),
    "qloguniform": lambda chance, low, high, q: _rounded(math.exp(chance.uniform(low, high)), q),
    "normal": lambda chance, mu, sigma: chance.gauss(mu, sigma),
    "qnormal": lambda chance, mu, sigma, q: _rounded(chance.gauss(mu, sigma), q),
    "lognormal": lambda chance, mu, sigma: chance.lognormvariate(mu, sigma),
    "qlognormal": lambda chance, mu, sigma, q: _rounded(chance.lognormvariate(mu, sigma), q),
}
_ARITY = {"randint": 1, "uniform": 2, "loguniform": 2, "normal": 2, "lognormal": 2}


def parse(expression: Any) -> Distribution:
    """Raises SearchSpaceError. A value that is no expression is the only choice."""
    match = _CALL.fullmatch(expression) if isinstance(expression, str) else None
    if match is None:
        return Distribution("choice", (expression,))
    name = match["name"]
    if name not in _DRAWS:
        raise SearchSpaceError(f"'{name}' is not a known parameter expression.")
    try:
        arguments = ast.literal_eval(f"({match['arguments']},)")
    except (SyntaxError, ValueError):
        raise SearchSpaceError(f"'{expression}' is not a well-formed parameter expression.") from None
    if name == "choice":
        if len(arguments) == 1 and isinstance(arguments[0], list):
            arguments = tuple(arguments[0])
        return Distribution(name, arguments)
    if len(arguments) != _ARITY.get(name, 3) or not all(isinstance(a, int | float) for a in arguments):
        raise SearchSpaceError(f"'{expression}' has the wrong number or type of arguments.")
    return Distribution(name, arguments)


def random_samples(spaces: Sequence[Mapping[str, Any]], number: int, seed: str) -> list[dict[str, Any]]:
    """`number` draws; each from one of the spaces, chosen evenly. The same seed draws the same."""
    chance = random.Random(seed)  # noqa: S311  sampling of hyperparameters, no secret
    parsed = [{key: parse(value) for key, value in space.items()} for space in spaces] or [{}]
    return [{key: d.draw(chance) for key, d in chance.choice(parsed).items()} for _ in range(number)]


def grid_samples(spaces: Sequence[Mapping[str, Any]], number: int) -> list[dict[str, Any]]:
    """All combinations of choices, at most `number`."""
    points: list[dict[str, Any]] = []
    for space in spaces:
        parsed = {key: parse(value) for key, value in space.items()}
        if any(d.name != "choice" for d in parsed.values()):
            raise SearchSpaceError("Grid sampling can only be used with choice hyperparameters.")
        points += [
            dict(zip(parsed, values, strict=True))
            for values in itertools.product(*(d.arguments for d in parsed.values()))
        ]
    return points[:number]
