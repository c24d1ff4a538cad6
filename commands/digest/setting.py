"""Setting a digest: when, in whose time zone, and where Spotter may post."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from difflib import get_close_matches
from functools import cache
from itertools import islice
from zoneinfo import available_timezones

from sqlalchemy import Connection

from commands.digest.listing import PREVIEW
from commands.kit import schedule
from commands.kit.blocks import Message, actions, button, section
from commands.kit.command import Asked
from commands.kit.errors import UserError
from commands.kit.people import Person
from commands.kit.schedule import Schedule
from commands.kit.services import Services
from commands.kit.words import esc, listing, when
from storage import audit, digests
from storage.digests import Digest

BY_POLICY = "spotter"
NEXT_SHOWN = 3


def set_digest(said: str, zone: str, quiet: bool, asked: Asked, services: Services) -> Message:
    """Commit a digest of the channel in which it was asked for, and say what was understood. Raises UserError."""
    plan = schedule.parse(said)
    with ThreadPoolExecutor(1) as beside:  # Slack waits three seconds for both, and each may hang for two
        is_there = beside.submit(services.people.require_spotter_in, asked.channel)
        named = resolve(zone) if zone else zone_of(asked.person, services)
    is_there.result()
    now = services.clock.now()
    wish = Digest(
        id=f"digest-{hashlib.sha256(asked.key.encode()).hexdigest()[:12]}",
        channel=asked.channel,
        cron=plan.cron,
        zone=named,
        quiet=quiet,
        created_by=asked.person.id,
        created_by_name=asked.person.name,
        created_at=now,
        next_at=plan.next(now, named),
    )
    with services.store.write() as tx:
        _refuse_a_second_one(tx, wish, plan)
        if digests.add(tx, wish):
            _recorded(tx, wish)
        elif (there := digests.get(tx, wish.id)) and there.state == digests.REMOVED:
            raise UserError("This has set a digest once, which was removed since.", "Ask for it anew.")
    return _understood(wish, plan, services)


def set_first_ones(services: Services) -> None:
    """Those of the policy file, each once by its name; one that was removed stays removed."""
    if not services.policy.digests:
        return
    with services.store.read() as tx:
        new = [each for each in services.policy.digests if digests.get(tx, f"policy-{each.name}") is None]
    for each in new:
        now = services.clock.now()
        plan = schedule.parse(each.when)
        wish = Digest(
            id=f"policy-{each.name}",
            channel=each.channel,
            cron=plan.cron,
            zone=each.time_zone,
            quiet=each.quiet,
            created_by=BY_POLICY,
            created_by_name="spotter.toml",
            created_at=now,
            next_at=plan.next(now, each.time_zone),
            grace_minutes=round(timedelta(hours=each.grace_hours) / timedelta(minutes=1)),
        )
        with services.store.write() as tx:
            if digests.add(tx, wish):
                _recorded(tx, wish)


def zone_of(person: Person, services: Services) -> str:
    """The zone of their Slack profile. Raises UserError where Slack does not say."""
    zone = services.people.zone_of(person)
    if zone in zones():
        return zone
    raise UserError(
        "Slack did not say in which time zone you are.", "Name one, such as Europe/Berlin.", field="zone"
    )


def resolve(said: str) -> str:
    """ "Europe/Berlin" or "berlin". Raises UserError for the field zone."""
    wanted = said.strip().replace(" ", "_").lower()
    known = {zone.lower(): zone for zone in zones()}
    if wanted in known:
        return known[wanted]
    cities = {zone.lower().rpartition("/")[2]: zone for zone in zones()}
    if wanted in cities:
        return cities[wanted]
    near = [cities[city] for city in get_close_matches(wanted.rpartition("/")[2], cities, n=3)]
    hint = f"Did you mean {listing(near)}?" if near else "Such as Europe/Berlin or America/New_York."
    raise UserError(f"“{said[:80]}” is no time zone.", hint, field="zone")


@cache
def zones() -> tuple[str, ...]:
    """Names that people use: UTC, and continent and city."""
    places = (
        zone
        for zone in available_timezones()
        if "/" in zone and not zone.startswith(("Etc/", "posix", "right"))
    )
    return ("UTC", *sorted(places))


def _refuse_a_second_one(tx: Connection, wish: Digest, plan: Schedule) -> None:
    """The same form twice is one; another one at the same times would only post everything twice."""
    for there in digests.of_channel(tx, wish.channel):
        if (there.cron, there.zone) == (wish.cron, wish.zone) and there.id != wish.id:
            how = "is paused" if there.state == digests.PAUSED else "is set"
            raise UserError(
                f"A digest {plan.words} {how} here already.",
                "/digest list shows it; remove it first to change it.",
                field="when",
            )


def _recorded(tx: Connection, digest: Digest) -> None:
    audit.record(
        tx,
        at=digest.created_at,
        actor=digest.created_by,
        action="digest.set",
        subject=digest.id,
        channel=digest.channel,
        cron=digest.cron,
        zone=digest.zone,
        quiet=digest.quiet,
    )


def _understood(digest: Digest, plan: Schedule, services: Services) -> Message:
    coming = islice(plan.after(services.clock.now(), digest.zone), NEXT_SHOWN)
    silent = " It stays silent when nothing has changed." if digest.quiet else ""
    text = f"From now on a digest is posted here: {esc(plan.explained)}, {esc(digest.zone)} time.{silent}"
    times = ", then ".join(when(at) for at in coming)
    return Message(text, [section(f"{text}\nNext: {times}."), actions(button("Preview", PREVIEW, digest.id))])
