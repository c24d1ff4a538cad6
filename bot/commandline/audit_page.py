"""The record of a model version as a page that people can read and print."""

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

STYLE = """
body { font: 14px/1.5 system-ui, sans-serif; max-width: 66rem; margin: 2rem auto; padding: 0 1.5rem; color: #1c2321 }
h1 { font-size: 1.7rem; margin-bottom: .3rem }
h2 { font-size: 1.15rem; margin: 2.4rem 0 .6rem; border-bottom: 2px solid #1c2321; padding-bottom: .2rem }
h3 { font-size: 1.05rem; margin: 1.4rem 0 .4rem } h4 { margin: 1.2rem 0 .3rem }
.state { padding: .7rem 1rem; border-left: 5px solid #2d7d46; background: #eef6f0 }
.state.changed { border-color: #b3261e; background: #fbeceb } .state ul { margin: .4rem 0 0; padding-left: 1.2rem }
table { border-collapse: collapse; width: 100% } table table { width: auto }
td, th { text-align: left; vertical-align: top; padding: .25rem 1.2rem .25rem 0; overflow-wrap: break-word }
th { font-weight: 600; color: #51605a; white-space: nowrap } table.facts > tbody > tr > th { width: 11rem }
tr + tr > *, thead + tbody > tr > * { border-top: 1px solid #e2e8e4 }
.lines b { font-weight: 600; color: #51605a } .lines .lines { padding-left: 1rem }
code { font: 12px ui-monospace, monospace } code, time { white-space: nowrap }
code.whole { white-space: normal; overflow-wrap: anywhere }
@media print { body { margin: 0; max-width: none } h2, h3 { break-after: avoid } tr { break-inside: avoid } }
"""
REQUESTS = "deployments"
SECTIONS = {
    "model": "Registered version",
    "labeling_export": "Labeling export",
    "training": "Training",
    REQUESTS: "Requests, decisions and rollouts",
    "devices": "Devices that run it now",
    "audit": "Audit trail",
}
OF_A_REQUEST = {"decisions": "Decisions", "evidence": "What approvers saw", "rings": "Rings"}
REPEATED = ("deployment_id", "previous", "correlation_id")
"""Columns that repeat what stands beside them."""
EMPTY: tuple[object, ...] = (None, "", [], {})
MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\.\d{6}\+00:00")
DIGEST = re.compile(r"[0-9a-f]{64}")
DIGITS_SHOWN = 12


def html(told: Mapping[str, Any]) -> str:
    """`told` is `commands.models.lineage.record` with the trail's state under `trail`, its end under `trail_end`."""
    model = told["model"]
    title = escape(f"{model['name']} version {model['version']}")
    parts = [_state(told), "<p>All times are UTC. Digests are shortened here; the JSON has them whole.</p>"]
    parts.append(f'<p>The trail ended then at <code class="whole">{told["trail_end"]}</code></p>')
    for key, heading in SECTIONS.items():
        parts.append(f"<h2>{heading}</h2>{_content(key, told[key])}")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
        f"<h1>{title}</h1>{''.join(parts)}</html>"
    )


def _state(told: Mapping[str, Any]) -> str:
    if told["trail"] == "whole" and not told["contradictions"]:
        words = "The audit trail is whole, and requests and decisions are what it says."
        return f'<div class="state">{words}</div>'
    found = [f"The audit trail is {told['trail']}."] if told["trail"] != "whole" else []
    found += [f"{each}." for each in told["contradictions"]]
    listed = "".join(f"<li>{escape(each)}</li>" for each in found)
    return (
        f'<div class="state changed"><strong>This record was changed after it was made.</strong><ul>{listed}</ul>'
        "</div>"
    )


def _content(key: str, told: Any) -> str:
    if not told:
        return "<p>Nothing is recorded.</p>"
    if key == REQUESTS:
        return "".join(map(_request, told))
    if key == "audit":
        return _rows([{**row, "details": _briefly(row["details"])} for row in told], without=REPEATED)
    return _facts(told) if isinstance(told, Mapping) else _rows(told)


def _briefly(details: Mapping[str, Any]) -> dict[str, Any]:
    """What approvers saw stands with their request; that it is the same has been looked at."""
    return {name: "(see above)" if name == "evidence" else value for name, value in details.items()}


def _request(told: Mapping[str, Any]) -> str:
    parts = [f"<h3>{escape(told['target'])}: {_name(told['state'])}</h3>"]
    parts.append(_facts({name: value for name, value in told.items() if name not in OF_A_REQUEST}))
    for name, heading in OF_A_REQUEST.items():
        if told[name]:
            shown = _evidence(told[name]) if name == "evidence" else _rows(told[name], without=REPEATED)
            parts.append(f"<h4>{heading}</h4>{shown}")
    return "".join(parts)


def _evidence(told: Mapping[str, Any]) -> str:
    """Candidate and incumbent side by side, then all the rest."""
    both = {name: told[name] for name in ("candidate", "incumbent") if told.get(name)}
    lines = [
        {"": name.replace("_", " "), **{who: both[who].get(name) for who in both}}
        for name in told["candidate"]
        if any(each.get(name) not in EMPTY for each in both.values())
    ]
    return _rows(lines) + _facts({name: value for name, value in told.items() if name not in both})


def _facts(told: Mapping[str, Any]) -> str:
    lines = [
        f"<tr><th>{_name(name)}</th><td>{_value(value)}</td></tr>"
        for name, value in told.items()
        if value not in EMPTY
    ]
    return f'<table class="facts"><tbody>{"".join(lines)}</tbody></table>'


def _rows(told: Sequence[Mapping[str, Any]], without: Sequence[str] = ()) -> str:
    """A line for each; columns in which nothing stands are left out."""
    known = [name for name in dict.fromkeys(name for each in told for name in each) if name not in without]
    names = [name for name in known if any(each.get(name) not in EMPTY for each in told)]
    head = "".join(f"<th>{_name(name)}</th>" for name in names)
    lines = ["".join(f"<td>{_value(each.get(name))}</td>" for name in names) for each in told]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _value(value: Any) -> str:
    if value in EMPTY:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return _in_lines(value)
    if isinstance(value, list):
        return _rows(value) if isinstance(value[0], Mapping) else ", ".join(map(_value, value))
    return _text(str(value))


def _in_lines(told: Mapping[str, Any]) -> str:
    shown = [f"<b>{_name(name)}</b> {_value(value)}" for name, value in told.items() if value not in EMPTY]
    return f"<div class=lines>{'<br>'.join(shown)}</div>"


def _text(text: str) -> str:
    if moment := MOMENT.fullmatch(text):
        return f"<time>{moment[1]} {moment[2]}</time>"
    if text.startswith(("https://", "http://")):
        return f'<a href="{escape(text)}">open</a>'
    if DIGEST.fullmatch(text):
        return f'<code title="{text}">{text[:DIGITS_SHOWN]}…</code>'
    return escape(text)


def _name(name: str) -> str:
    return escape(name.replace("_", " "))
