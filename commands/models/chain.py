"""Whether a request's record says what the audit trail says of it.

The trail is bound by hashes, the tables are not: whoever can write to the database could change a decision there. So
what an audit is shown of a request is held against the rows that the same transactions left in the trail. (People's
names are not in the trail; their Slack ids are. What devices report is not compared: it changes by itself.)
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta

from storage.audit import AuditRow
from storage.deployments import Decision, Deployment

SAME_ACT = timedelta(seconds=10)
"""A decision and its row of the trail are written in one transaction, each with its own look at the clock."""
VERDICTS = {f"deploy.{verdict}": verdict for verdict in ("approve", "override", "reject")}


def contradictions(
    request: Deployment,
    decided: Sequence[Decision],
    trail: Sequence[AuditRow],
    pictures: Mapping[str, bytes],
) -> list[str]:
    """What is not as the trail has it, in words; `trail` may have rows of others too, `pictures` are by digest."""
    rows = [row for row in trail if row.subject == request.id]
    found = [
        *_asked(request, rows),
        *_shown(request, rows),
        *_drawn(request, pictures),
        *_decisions(decided, rows),
        *_stands(request, rows),
    ]
    return [f"{request.id}: {each}" for each in found]


def _asked(request: Deployment, rows: Sequence[AuditRow]) -> list[str]:
    asked = next((row for row in rows if row.action == "deploy.request"), None)
    if asked is None:
        return ["the trail does not know that it was asked for"]
    pairs = (
        ("who asked", request.requested_by, asked.actor),
        ("when it was asked for", request.requested_at, asked.at),
        ("the model", request.model, asked.details.get("model")),
        ("the target", request.target, asked.details.get("target")),
        ("the reason", request.reason, asked.details.get("reason")),
    )
    return [f"{what} is not what the trail says" for what, told, kept in pairs if told != kept]


def _shown(request: Deployment, rows: Sequence[AuditRow]) -> list[str]:
    shown = next((row.details for row in rows if row.action == "deploy.ask"), {})
    pairs = (
        ("what approvers saw", request.evidence, shown.get("evidence")),
        ("the fingerprint", request.fingerprint, shown.get("fingerprint")),
    )
    return [f"{what} is not what the trail says" for what, told, kept in pairs if told != kept]


def pictures_of(request: Deployment) -> list[dict[str, str]]:
    """What approvers were shown side by side: the digest of each picture, and its words."""
    return (request.evidence or {}).get("pictures") or []


def _drawn(request: Deployment, pictures: Mapping[str, bytes]) -> list[str]:
    digests = [each["digest"] for each in pictures_of(request)]
    kept = [digest for digest in digests if digest in pictures]
    changed = [digest for digest in kept if hashlib.sha256(pictures[digest]).hexdigest() != digest]
    found = ["a picture that approvers saw is not kept any more"] * (len(digests) - len(kept))
    return found + ["a picture is not the one that approvers saw"] * len(changed)


def _decisions(decided: Sequence[Decision], rows: Sequence[AuditRow]) -> list[str]:
    kept = {(row.actor, VERDICTS[row.action]): row for row in rows if row.action in VERDICTS}
    told = {(each.person, each.verdict): each for each in decided}
    found = [
        f"the trail does not know that {told[key].person_name} decided ({key[1]})"
        for key in told.keys() - kept.keys()
    ]
    found += [f"the decision of {key[0]} ({key[1]}) is missing" for key in kept.keys() - told.keys()]
    found += [
        f"the decision of {told[key].person_name} ({key[1]}) is not what the trail says"
        for key in told.keys() & kept.keys()
        if not _agree(told[key], kept[key])
    ]
    return sorted(found)


def _agree(told: Decision, kept: AuditRow) -> bool:
    return (
        told.reason == kept.details.get("reason")
        and told.fingerprint == (kept.details.get("fingerprint") or "")
        and abs(told.at - kept.at) < SAME_ACT
    )


def _stands(request: Deployment, rows: Sequence[AuditRow]) -> list[str]:
    """Every change of state leaves a row; so does every run of the edge pipeline."""
    last = next((row.details for row in reversed(rows) if "state" in row.details), None)
    runs = {row.details.get("run_id") for row in rows}
    found = [
        f"run {ring['run_id']} of ring {ring['name']} is not in the trail"
        for ring in request.rings or []
        if ring.get("run_id") and ring["run_id"] not in runs
    ]
    if last is not None and (request.state, request.outcome) != (last["state"], last["outcome"]):
        found.append("how it stands is not what the trail says")
    return found
