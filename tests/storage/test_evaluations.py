"""Figures of many versions at once, also of those that were measured before figures were kept apart."""

import json
from datetime import UTC, datetime
from typing import Any

from storage import evaluations
from storage.database import Store
from storage.evaluations import EvaluationRow

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
WHOLE: dict[str, Any] = {"models": [{"points": [0.5] * 40}]}
FIGURES: dict[str, Any] = {"models": [{}]}


def test_figures_are_read_without_the_rest_as_far_as_they_are_kept_apart(store: Store) -> None:
    with store.write() as tx:
        for name in ("apart", "before", "missing", "waits"):
            evaluations.want(tx, name, 1, f"run-{name}", AT)
        evaluations.put(tx, EvaluationRow("apart", 1, "", AT), AT, found=WHOLE, figures=FIGURES)
        evaluations.put(tx, EvaluationRow("before", 1, "", AT), AT, found=WHOLE)
        evaluations.put(tx, EvaluationRow("missing", 1, "", AT), AT, missing="The step failed.")
        asked = {(name, 1) for name in ("apart", "before", "missing", "waits", "unknown")}
        found = {key: json.loads(told) for key, told in evaluations.figures_of(tx, asked).items()}
        assert found == {("apart", 1): FIGURES, ("before", 1): WHOLE}
        assert evaluations.figures_of(tx, {("apart", 2)}) == evaluations.figures_of(tx, set()) == {}
        whole = evaluations.get(tx, "apart", 1)
        assert whole is not None and whole.found == WHOLE
