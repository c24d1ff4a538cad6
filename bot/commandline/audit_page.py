"""The record of a model version as a page that people can read and print."""

import re
from base64 import b64encode
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
td, th { text-align: left; vertical-align: top; padding: .25rem 1.2rem .25rem 0; overflow-wrap: anywhere }
td.figure { white-space: nowrap; font-variant-numeric: tabular-nums }
th { font-weight: 600; color: #51605a; overflow-wrap: break-word } table.facts > tbody > tr > th { width: 11rem }
tr + tr > *, thead + tbody > tr > * { border-top: 1px solid #e2e8e4 }
.lines b { font-weight: 600; color: #51605a } .lines .lines { padding-left: 1rem }
figure { margin: 1rem 0; break-inside: avoid } img { display: block; max-width: 100% } figcaption { color: #51605a }
code { font: 12px ui-monospace, monospace } time { white-space: nowrap }
@page { size: A4; margin: 14mm }
@media print {
  body { font-size: 10px; margin: 0; padding: 0; max-width: none } code { font-size: 9px }
  td, th { padding-right: .7rem } h2, h3, h4 { break-after: avoid } tr { break-inside: avoid }
}
"""
REQUESTS = "deployments"
SECTIONS = {
    REQUESTS: "Requests, decisions and rollouts",
    "devices": "Devices that run it now",
    "model": "Registered version",
    "training": "Training",
    "labeling_export": "Labeling export",
    "audit": "Audit trail",
}
"""In the order in which an auditor asks: who let it through, where it went, where it came from."""
APART = ("decisions", "evidence", "rings")
REPEATED = ("deployment_id", "previous", "correlation_id")
"""Columns that repeat what stands beside them."""
OF_A_STEP = ("run_id", "epoch", "started_at", "ended_at")
HOUSEKEEPING = (
    *("announced", "seen_at", "present", "tries", "next_try_at", "reminded_at", "missing_since", "tried_at"),
    *("cancel_sent_at", "sweep_id", "request_id", "channel", "queued_at", "wanted_at"),
)
"""What Spotter keeps for its own work. The JSON has it."""
LABELS = {
    "at": "when",
    "seq": "row",
    "person": "Slack id",
    "person_name": "who",
    "requested_by": "asked by (Slack id)",
    "requested_by_name": "asked by",
    "requested_at": "asked",
    "expires_at": "would have expired",
    "decided_at": "decided",
    "created_at": "made",
    "created_by": "made by",
    "submitted_at": "handed to Azure",
    "started_at": "began",
    "ended_at": "ended",
    "applied_at": "given to IoT Hub",
    "healthy_at": "healthy since",
    "mean_average_precision": "mAP",
    "average_precision": "AP",
    "evaluated_on": "measured on",
    "digest": "digest of its files",
    "in_registry": "still in the registry",
    "approvals_needed": "approvals wanted",
    "run_id": "run",
    "studio_url": "in the studio",
    "url": "in Azure DevOps",
    "uri": "kept at",
    "vm_size": "machine",
    "planned": "trials planned",
    "max_trials": "trials at most",
    "max_epochs": "epochs at most",
    "node_seconds": "seconds of machines",
    "more_images": "more images than before",
    "more_boxes": "more boxes than before",
    "configuration": "deployment in IoT Hub",
    "below": "lies on top of",
}
EMPTY: tuple[object, ...] = (None, "", [], {})
MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\.\d{6}\+00:00")
DIGEST = re.compile(r"[0-9a-f]{64}")
DIGITS_SHOWN = 12


def html(told: Mapping[str, Any], pictures: Mapping[str, bytes]) -> str:
    """`told` is `commands.models.lineage.record` with the trail's state under `trail`, its end under `trail_end`;
    `pictures` are the JPEGs that approvers saw, by digest."""
    model = told["model"]
    title = escape(f"{model['name']} version {model['version']}")
    parts = [
        _state(told),
        "<p>All times are UTC. Digests are shortened and figures rounded here; the JSON has all of it.</p>",
    ]
    parts.append(f"<p>The trail ended then at <code>{told['trail_end']}</code></p>")
    for key, heading in SECTIONS.items():
        parts.append(f"<h2>{heading}</h2>{_content(key, told[key], pictures)}")
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


def _content(key: str, told: Any, pictures: Mapping[str, bytes]) -> str:
    if not told:
        return "<p>Nothing is recorded.</p>"
    if key == REQUESTS:
        return "".join(_request(each, pictures) for each in told)
    if key == "audit":
        return _rows([{**row, "details": _briefly(row["details"])} for row in told], without=REPEATED)
    return _facts(told) if isinstance(told, Mapping) else _rows(told)


def _briefly(details: Mapping[str, Any]) -> dict[str, Any]:
    """What approvers saw stands with their request; that it is the same has been looked at."""
    return {name: "(see above)" if name == "evidence" else value for name, value in details.items()}


def _request(told: Mapping[str, Any], pictures: Mapping[str, bytes]) -> str:
    facts = {name: value for name, value in told.items() if name not in APART}
    parts = [f"<h3>{escape(told['target'])}: {_name(told['state'])}</h3>"]
    parts += _table(told, "decisions") or ["<p>Nobody has decided.</p>"]
    parts.append(_facts(facts))
    if told["evidence"]:
        parts.append(f"<h4>What approvers saw</h4>{_evidence(told['evidence'], pictures)}")
    return "".join([*parts, *_table(told, "rings")])


def _table(told: Mapping[str, Any], name: str) -> list[str]:
    return [f"<h4>{name.capitalize()}</h4>{_rows(told[name], without=REPEATED)}"] if told[name] else []


def _evidence(told: Mapping[str, Any], pictures: Mapping[str, bytes]) -> str:
    """Candidate and incumbent side by side, then all the rest, the pictures last."""
    both = {name: told[name] for name in ("candidate", "incumbent") if told.get(name)}
    lines = [
        {"": _label(name), **{who: both[who].get(name) for who in both}}
        for name in told["candidate"]
        if any(each.get(name) not in EMPTY for each in both.values())
    ]
    facts = {name: value for name, value in told.items() if name not in (*both, "pictures")}
    drawn = "".join(_picture(each, pictures) for each in told.get("pictures") or [])
    return _rows(lines) + _facts(facts) + drawn


def _picture(told: Mapping[str, str], pictures: Mapping[str, bytes]) -> str:
    words, content = escape(told["words"]), pictures.get(told["digest"])
    shown = "<p>It is not kept any more.</p>"
    if content is not None:
        shown = f'<img alt="{words}" src="data:image/jpeg;base64,{b64encode(content).decode()}">'
    return f"<figure>{shown}<figcaption>{words} {_text(told['digest'])}</figcaption></figure>"


def _facts(told: Mapping[str, Any]) -> str:
    lines = [
        f"<tr><th>{_name(name)}</th>{_cell(value, name)}</tr>" for name, value in _of_interest(told).items()
    ]
    return f'<table class="facts"><tbody>{"".join(lines)}</tbody></table>'


def _rows(told: Sequence[Mapping[str, Any]], without: Sequence[str] = ()) -> str:
    """A line for each; columns in which nothing stands are left out."""
    known = [name for name in dict.fromkeys(name for each in told for name in each) if name not in without]
    names = [name for name in known if any(name in _of_interest(each) for each in told)]
    head = "".join(f"<th>{_name(name)}</th>" for name in names)
    lines = ["".join(_cell(each.get(name), name) for name in names) for each in told]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _of_interest(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in told.items() if each not in EMPTY and name not in HOUSEKEEPING}


def _cell(value: Any, name: str) -> str:
    is_figure = isinstance(value, int | float) and not isinstance(value, bool)
    return f"<td{' class=figure' if is_figure else ''}>{_value(value, name)}</td>"


def _value(value: Any, name: str = "") -> str:
    if value in EMPTY:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, Mapping):
        return _in_lines(value)
    if isinstance(value, list):
        of_a_step = OF_A_STEP if name in ("trials", "steps") else ()
        return _rows(value, of_a_step) if isinstance(value[0], Mapping) else ", ".join(map(_value, value))
    return _text(str(value))


def _in_lines(told: Mapping[str, Any]) -> str:
    shown = [f"<b>{_name(name)}</b> {_value(value, name)}" for name, value in _of_interest(told).items()]
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
    return escape(_label(name))


def _label(name: str) -> str:
    return LABELS.get(name, name.replace("_", " "))
