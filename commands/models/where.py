"""What runs where: on each target, as its devices tell."""

from collections.abc import Sequence
from itertools import groupby

from sqlalchemy import Connection

from commands.kit.blocks import Block, Message, button, context, header, section, table
from commands.kit.errors import UserError
from commands.kit.services import Services
from commands.kit.words import count, duration, esc
from infra.iothub.deployments import ALL
from infra.iothub.devices import Device
from infra.iothub.hub import Survey
from storage import devices
from storage.devices import DeviceRow, Share

DEVICES = "models.devices"
SHOWN = 99
APPLIED, OTHER = "Applied", "runs what was not shipped"


def on_the_lines(tx: Connection) -> list[Block]:
    """A line for each target, with a button to its devices; empty without devices."""
    lines = told(devices.shares(tx))
    return [section(line, button("Devices", DEVICES, target)) for target, line in lines.items()]


def told(shares: Sequence[Share]) -> dict[str, str]:
    """What each target's devices run, in mrkdwn; empty without devices."""
    found = groupby(shares, key=lambda share: share.target)
    return {target: _line(target, list(shares)) for target, shares in found}


def devices_of(target: str, services: Services) -> Message:
    """Every device of a target, those that do not work first. Raises UserError where there is none."""
    with services.store.read() as tx:
        rows = devices.of_target(tx, target, limit=SHOWN + 1)
    if not rows:
        raise UserError(
            f"No device has the target {esc(target[:80])} any more.", "/models shows what runs where."
        )
    now = services.clock.now()
    lines = [["Device", "Ring", "Runs", "State", "Last seen"]]
    for row in rows[:SHOWN]:
        seen = f"{duration(now - row.last_seen)} ago" if row.last_seen else "never"
        lines.append([row.id, row.ring or ALL, _what(row.model, row.version), _state(row), seen])
    working = sum(row.works and row.is_connected for row in rows)
    away = sum(not row.is_connected for row in rows)
    title = f"{target}: {working} of {count(len(rows), 'device')} report that their model works{_away(away)}"
    blocks = [header(title), table(lines, numbers_from=5)]
    if len(rows) > SHOWN:
        blocks.append(context("There are more; those that do not work come first."))
    return Message(f"{esc(title)}.", blocks)


def not_shipped(device: Device, survey: Survey) -> str:
    """What a device in touch runs, where that is not what its deployment ships: somebody has changed it by hand. Empty
    for one to which no deployment of Spotter's applies, or that is still to follow its orders."""
    applied = [each for each in survey.deployments if device.deployments.get(each.id) == APPLIED]
    shipped = max(applied, key=lambda each: each.priority, default=None)
    if shipped is None or device.module is None or not (device.is_connected and device.order.was_taken):
        return ""
    runs, wanted = (_what(each.model, each.version) for each in (device.report, shipped))
    if runs != wanted:
        return f"{OTHER}: {runs} in place of {wanted}"
    return "" if device.module.image == shipped.image else f"{OTHER}: another image of {wanted}"


def _line(target: str, shares: Sequence[Share]) -> str:
    told = []
    for share in shares:
        works = (
            "" if not share.model or share.working == share.devices else f", {share.working} of them working"
        ) + _away(share.away)
        told.append(f"{esc(_what(share.model, share.version))} on {count(share.devices, 'device')}{works}")
    return f"*{esc(target)}*: {'; '.join(told)}"


def _away(number: int) -> str:
    return f", {number} away" if number else ""


def _what(model: str, version: str) -> str:
    return f"{model} v{version}" if model else "no model"


def _state(row: DeviceRow) -> str:
    if row.reason.startswith(OTHER):
        return row.reason
    if row.works:
        return "works" if row.is_connected else "worked, now away"
    if not row.is_connected:
        return "away"
    return f"does not work: {row.reason}" if row.reason else "does not work"
