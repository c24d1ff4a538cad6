"""How findings are told: on a terminal, as JSON, and by the exit code."""

import json
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import click

from bot.doctor.finding import Finding, State

FORMAT = 1
WIDTH = 80
MARKS: Mapping[State, str] = {"ok": "✓", "warning": "!", "problem": "✗", "unknown": "?", "skipped": "–"}
COLOURS: Mapping[State, str] = {"ok": "green", "warning": "yellow", "problem": "red", "unknown": "magenta"}
MARGIN = " " * 13


def exit_code(findings: Sequence[Finding]) -> int:
    """0 where all is well or there are warnings alone, 1 where there is a problem, 2 where something is not known."""
    states = {finding.verdict.state for finding in findings}
    return 1 if "problem" in states else 2 if "unknown" in states else 0


def as_json(findings: Sequence[Finding], at: datetime) -> str:
    told: dict[str, Any] = {
        "format": FORMAT,
        "at": at.isoformat(timespec="seconds"),
        "exit_code": exit_code(findings),
        "counts": {state: _count(findings)[state] for state in MARKS},
        "findings": [
            {
                "id": finding.id,
                "service": finding.service,
                "name": finding.name,
                "state": finding.verdict.state,
                "seen": finding.verdict.seen,
                "remedy": finding.verdict.remedy,
            }
            for finding in findings
        ],
    }
    return json.dumps(told, indent=2, ensure_ascii=False)


def as_text(findings: Sequence[Finding], titles: Mapping[str, str]) -> str:
    lines: list[str] = []
    for service, group in groupby(findings, key=lambda finding: finding.service):
        lines += [click.style(titles[service], bold=True), *(_lines(each) for each in group), ""]
    return "\n".join([*lines, _summary(findings)])


def _lines(finding: Finding) -> str:
    verdict = finding.verdict
    told = textwrap.wrap(f"{finding.name}: {verdict.seen}", WIDTH - len(MARGIN), break_on_hyphens=False)
    remedy = textwrap.wrap(verdict.remedy, WIDTH - len(MARGIN) - 2, break_on_hyphens=False)
    label = f"{MARKS[verdict.state]} {verdict.state}"
    first = f"  {click.style(label, fg=COLOURS.get(verdict.state))}{' ' * (len(MARGIN) - 2 - len(label))}{told[0]}"
    return "\n".join(
        [
            first,
            *(MARGIN + line for line in told[1:]),
            *(f"{MARGIN}{'→' if at == 0 else ' '} {line}" for at, line in enumerate(remedy)),
        ]
    )


def _summary(findings: Sequence[Finding]) -> str:
    counts = _count(findings)
    words = {"problem": "problems", "warning": "warnings"}
    told = [
        f"{counts[state]} {words.get(state, state) if counts[state] != 1 else state}"
        for state in ("problem", "unknown", "warning", "skipped", "ok")
        if counts[state]
    ]
    head = {0: "Spotter can run.", 1: "Spotter needs attention.", 2: "Not everything could be looked at."}
    return f"{head[exit_code(findings)]} {', '.join(told)}."


def _count(findings: Sequence[Finding]) -> Counter[State]:
    return Counter(finding.verdict.state for finding in findings)
