"""Whether a stage, a job or a step is to run, seen from what ran before it."""

from collections.abc import Mapping, Sequence

from sandbox.devops.engine.variables import Variables
from sandbox.devops.pipeline.expressions import Names, evaluate, truth

GOOD = ("succeeded", "succeededWithIssues")


def holds(
    condition: str,
    before: Sequence[str],
    canceled: bool,
    variables: Variables,
    named: Mapping[str, str] | None = None,
) -> bool:
    """`before` are results; `named` those of stages or jobs by name. Raises ExpressionError."""

    def chosen(given: Sequence[object]) -> Sequence[str]:
        return [(named or {}).get(str(name), "skipped") for name in given] if given else before

    functions = {
        "always": lambda given: True,
        "canceled": lambda given: canceled,
        "failed": lambda given: not canceled and any(result == "failed" for result in chosen(given)),
        "succeeded": lambda given: not canceled and all(result in GOOD for result in chosen(given)),
        "succeededOrFailed": lambda given: (
            not canceled and all(result in (*GOOD, "failed") for result in chosen(given))
        ),
    }
    names = Names({"variables": variables.plain()}, functions)
    return truth(evaluate(condition or "succeeded()", names))
