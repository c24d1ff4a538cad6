"""A store in which every word that others chose is hostile: nothing that leaves mentions, links or formats by it."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

from sqlalchemy import JSON, Connection, Table, Text, select, update

from commands.kit.health import AZURE, DEVOPS, IOT_HUB, SLACK
from storage import catalog, devices, publishes
from storage.catalog import ClusterRow, ExportRow, ModelRow
from storage.devices import DeviceRow
from storage.publishes import BranchRow
from storage.tables import Short, metadata
from tests.abuse import plant
from tests.abuse.actions import ROWS, RULES
from tests.abuse.counter import Counter
from tests.abuse.people import PEOPLE
from tests.abuse.test_who_may import delivery
from tests.commands.test_messages import mrkdwn_of

EVIL = "<!channel> <@U0EVIL0001> <https://evil.example|here> *now* `x` zebra-evil"
LIVE = ("<!channel", "<@U0EVIL", "<https://evil", "*now*", "`x`")
OURS = {
    # what Spotter itself or Slack chose, and by what things are found
    *("id", "request_id", "state", "name", "version", "channel", "requested_by", "created_by_id", "person"),
    *("model_name", "dataset", "cluster", "branch", "target", "ring", "cron", "zone", "fingerprint", "kind"),
    *(
        "verdict",
        "key",
        "parent_key",
        "fallback",
        "run_id",
        "registered_version",
        "dataset_version",
        "digest",
    ),
    *(
        "deployment_id",
        "digest_id",
        "export_name",
        "export_version",
        "commit_id",
        "created_by",
        "actor",
        "action",
    ),
    *("hash", "previous", "subject", "ts", "form", "outcome_of", "project", "pipeline", "model", "holder"),
}
KEPT_IN_JSON = {"state", "result", "kind", "correlation_id", "digest", "ring", "name", "version", "type"}
VERDICTS = ("passed", "failed", "unknown")
FOUND = {
    "failure": {"cause": EVIL, "remedy": EVIL, "raw": EVIL, "where": EVIL, "log": [EVIL]},
    "waiting": {"sentence": EVIL, "remedy": EVIL, "kind": "agent"},
}


def spoil(tx: Connection) -> None:
    """Puts hostile words wherever others may have put words."""
    for table in metadata.sorted_tables:
        if table.name not in ("messages", "audit", "leases", "deliveries", "pictures", "marks"):
            _spoil(tx, table)
    at = tx.execute(select(metadata.tables["model_versions"].c.seen_at)).scalars().first()
    assert at
    figures = (0.9, 0.9, 0.9)
    tags = {"Dataset": EVIL, "Dataset Version": EVIL, EVIL: EVIL}
    catalog.add_model(tx, ModelRow(EVIL, 1, at, EVIL, *figures, tags, EVIL, EVIL, True, at))
    contents = {"images": 3, "boxes": {EVIL: 1}, "images_without_boxes": 0, "blockers": [EVIL]}
    catalog.put_export(tx, ExportRow(EVIL, EVIL, "mltable", at, EVIL, EVIL, contents, EVIL, at, True))
    catalog.put_clusters(
        tx,
        [
            *catalog.list_clusters(tx),
            ClusterRow("evil", {"vm_size": EVIL, "gpu": True, "max_nodes": 2, "state": EVIL}, at),
        ],
    )
    publishes.put_branches(tx, [*publishes.list_branches(tx), BranchRow(EVIL, EVIL, at, EVIL, EVIL, at)])
    told = [
        ("line-1", EVIL, EVIL),
        ("line-2", plant.MODEL, "9" * 64),
        ("line-2", plant.MODEL, "²"),
        (EVIL, EVIL, "1"),
    ]
    rows = [
        DeviceRow(f"{EVIL}{number}", target, EVIL, model, version, False, True, EVIL, at)
        for number, (target, model, version) in enumerate(told)
    ]
    devices.keep(
        tx,
        [
            *rows,
            *(
                DeviceRow(f"zebra-{n}", "line-2", "all", plant.MODEL, "9" * 64, True, True, "", at)
                for n in range(3)
            ),
        ],
    )


def _spoil(tx: Connection, table: Table) -> None:
    for row in tx.execute(select(table)).mappings().all():
        words: dict[str, Any] = {}
        for column in table.columns:
            there = row[column.name]
            if column.name in OURS:
                continue
            if isinstance(column.type, JSON):
                words[column.name] = _spoiled(there) if there else FOUND.get(column.name, there)
            elif isinstance(column.type, Short | Text):
                words[column.name] = f"{EVIL} {there or ''}".strip()
        if words:
            found = [column == row[column.name] for column in table.primary_key]
            tx.execute(update(table).where(*found).values(**words))


def _spoiled(told: Any) -> Any:
    if isinstance(told, dict):
        return {key: inner if key in KEPT_IN_JSON else _spoiled(inner) for key, inner in told.items()}
    if isinstance(told, list):
        return [_spoiled(inner) for inner in told]
    return f"{EVIL} {told}" if isinstance(told, str) and told not in VERDICTS else told


def formatted(told: Any) -> Iterator[str]:
    """Every text of an answer, or of a call to the Web API, that Slack would format."""
    if isinstance(told, str):
        told = json.loads(told) if told[:1] in ("{", "[") else {"text": told}
    for view in [told, *([told["view"]] if isinstance(told, dict) and "view" in told else [])]:
        view = json.loads(view) if isinstance(view, str) else view
        yield from mrkdwn_of(view)
        if isinstance(view, dict):
            yield str(view.get("text") or "")
            yield from mrkdwn_of(json.loads(view["blocks"]) if isinstance(view.get("blocks"), str) else [])


def left(bot: Counter, since: int) -> Iterator[str]:
    """What was sent to Slack since."""
    for call in bot.twin.faults.log()[since:]:
        sent = call.body.decode()
        if sent.startswith("{"):
            yield from formatted(sent)
        elif sent:
            yield from formatted({name: values[0] for name, values in parse_qs(sent).items()})


def test_nothing_that_leaves_mentions_links_or_formats_by_what_others_wrote(bot: Counter) -> None:
    with bot.services.store.write() as tx:
        spoil(tx)
    bot.open(bot.services.policy)
    for service in (AZURE, DEVOPS, IOT_HUB, SLACK):
        bot.services.health.trouble(service, EVIL)
    heard = 0
    for row in ROWS:
        since = len(bot.twin.faults.log())
        seen = bot.deliver(delivery(bot, row, PEOPLE[min(RULES[row.rule])][0]))
        assert "Something went wrong inside Spotter" not in seen.told, row
        with bot.services.store.read() as tx:
            wanted = tx.execute(select(metadata.tables["messages"].c.wanted)).scalars().all()
        texts = [*left(bot, since), *formatted(seen.told.partition("\n")[0] or "{}")]
        texts += [text for each in wanted for text in formatted(json.dumps(each))]
        heard += sum("zebra-evil" in text for text in texts)
        for text in texts:
            assert not [mark for mark in LIVE if mark in text], (str(row), text)
        if seen.changed:
            bot.restore()
    assert heard > 100
