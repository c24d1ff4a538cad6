"""The record of a model version as a page that people can read and print."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c2321 }
h2 { margin-top: 2.2rem; border-bottom: 1px solid #c8d0cc } h3 { margin-bottom: .2rem }
table { border-collapse: collapse; width: 100% }
td, th { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0 }
th { white-space: nowrap; font-weight: 600; width: 14rem } td { overflow-wrap: anywhere }
tr + tr > * { border-top: 1px solid #e6ebe8 } pre { margin: 0; white-space: pre-wrap; font-size: 13px }
"""
SECTIONS = {
    "model": "Registered version",
    "labeling_export": "Labeling export",
    "training": "Training",
    "deployments": "Requests, decisions and rollouts",
    "devices": "Devices that run it now",
    "audit": "Audit trail",
}


def html(told: Mapping[str, Any]) -> str:
    """`told` is `commands.models.lineage.record` with the state of the audit trail under `trail`."""
    model = told["model"]
    title = escape(f"{model['name']} version {model['version']}")
    parts = [f"<p>The audit trail is {escape(told['trail'])}. All times are UTC.</p>"]
    for key, heading in SECTIONS.items():
        parts.append(f"<h2>{heading}</h2>{_content(told[key])}")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
        f"<h1>{title}</h1>{''.join(parts)}</html>"
    )


def _content(told: Any) -> str:
    if not told:
        return "<p>Nothing is recorded.</p>"
    if isinstance(told, Sequence):
        return "".join(f"<h3>{number}</h3>{_table(row)}" for number, row in enumerate(told, start=1))
    return _table(told)


def _table(row: Mapping[str, Any]) -> str:
    shown = {name: value for name, value in row.items() if value not in (None, "", [], {})}
    lines = [
        f"<tr><th>{escape(name.replace('_', ' '))}</th><td>{_value(value)}</td></tr>"
        for name, value in shown.items()
    ]
    return f"<table>{''.join(lines)}</table>"


def _value(value: Any) -> str:
    if isinstance(value, dict | list):
        return f"<pre>{escape(json.dumps(value, indent=1, ensure_ascii=False))}</pre>"
    return escape(str(value))
