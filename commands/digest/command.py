"""The command and its buttons. Anybody who is in a channel may set, pause and remove its digests; each is audited.

/digest                                            what is set here
/digest set weekdays at 8:30 [zone=Europe/Berlin] [quiet=yes]
/digest preview|pause|resume|remove [number or when]
/digest now                                        what a digest would say now, to oneself
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from commands.deploy.record import card_key, card_of
from commands.digest.content import gather
from commands.digest.listing import Listed, channel, words
from commands.digest.meant import as_times, chosen, is_theirs, known, still_set
from commands.digest.messages import SHOWN, Occasion
from commands.digest.messages import digest as message
from commands.digest.sending import collect, post, send_due
from commands.digest.setting import set_digest, set_first_ones, zones
from commands.kit import schedule
from commands.kit.blocks import Message, actions, button, context, note
from commands.kit.command import COURIER, Answer, Asked, Command, OpenForm, Option, Reply, choice, text
from commands.kit.errors import UserError
from commands.kit.health import DATABASE
from commands.kit.people import Person
from commands.kit.services import Services
from commands.kit.words import when
from storage import audit, deployments, digests, messages
from storage.digests import Digest

ACTS = {
    "list": "What is set in this channel",
    "set": "Set a digest",
    "preview": "What it would say now, for your eyes",
    "pause": "Until it is resumed",
    "resume": "Go on",
    "remove": "For good",
    "now": "How things stand now, for your eyes",
}
YES, NO = ("yes", "y", "true", "silent"), ("no", "n", "false", "")
SHARE = "digest.share"
Columns = dict[str, Any]


def acts(services: Services, person: Person, typed: str) -> list[Option]:
    return [Option(act, act, told) for act, told in ACTS.items() if typed.lower() in act]


def zone_options(services: Services, person: Person, typed: str) -> list[Option]:
    wanted = typed.lower().replace(" ", "_")
    return [Option(zone, zone) for zone in zones() if wanted in zone.lower()]


def quiet_options(services: Services, person: Person, typed: str) -> list[Option]:
    return [Option("no", "Post a line that all is quiet"), Option("yes", "Stay silent")]


def persons_zone(services: Services, person: Person) -> str | None:
    return services.people.zone_of(person)


@dataclass(frozen=True)
class DigestArgs:
    what: str = choice("What to do", from_=acts, default="list")
    when: str = text("When", hint="weekdays at 8:30", default="", rest=True)
    zone: str = choice("Time zone", from_=zone_options, default="")
    quiet: str = choice("When nothing has changed", from_=quiet_options, default="")


@dataclass(frozen=True)
class SetArgs:
    when: str = text(
        "When",
        hint="“weekdays at 8:30”, “Mondays 9:00”, “first of the month at 9:00”, or a crontab line",
        suggest=lambda services, person: "weekdays at 8:30",
    )
    zone: str = choice("Time zone", from_=zone_options, suggest=persons_zone)
    quiet: str = choice("When nothing has changed", from_=quiet_options, default="no")


digest = Command(
    "/digest",
    DigestArgs,
    role="view",
    summary="Scheduled digests of a channel: what needs someone, runs or has finished",
    title="Digests",
    changes=True,
    examples=(
        (
            "/digest set weekdays at 8:30",
            "sets one for this channel, in your time zone; the word set may be left out",
        ),
        ("/digest Mondays 9:00 zone=berlin quiet=yes", "in another zone, silent when nothing has changed"),
        ("/digest", "lists what is set here, with buttons"),
        ("/digest preview 2", "what number 2 of the list would say now; also pause, resume and remove"),
        ("/digest now", "how things stand, for your eyes"),
    ),
)
setting = digest.dialog("setting", SetArgs, role="view", title="Set a digest", submit="Set it")


@digest.run
def run(args: DigestArgs, asked: Asked, services: Services) -> Answer:
    what, said = args.what.lower(), args.when
    if what not in ACTS:
        what, said = "set", as_times(f"{args.what} {args.when}".strip(), ACTS)
    if what == "list":
        return show(asked, services)
    if what == "now":
        return now(asked, services)
    if what == "set" and not said:
        return OpenForm(
            setting, {name: value for name, value in vars(args).items() if name != "what" and value}
        )
    if what == "set":
        return Reply(set_digest(said, args.zone, _quiet(args.quiet), asked, services))
    digest_id = chosen(said, asked, services).id
    act = {"preview": preview, "pause": pause, "resume": resume, "remove": remove}[what]
    return act(digest_id, asked, services)


@setting.run
def set_from_form(args: SetArgs, asked: Asked, services: Services) -> Answer:
    return Reply(set_digest(args.when, args.zone, _quiet(args.quiet), asked, services))


@digest.action("form")
def open_form(value: str, asked: Asked, services: Services) -> Answer:
    return OpenForm(setting, {})


def show(asked: Asked, services: Services) -> Reply:
    with services.store.read() as tx:
        listed = []
        for each in digests.of_channel(tx, asked.channel):
            last = digests.last_sent(tx, each.id)
            since = last.at if last else each.created_at
            missed, silent = (
                digests.count_since(tx, each.id, outcome, since)
                for outcome in (digests.SKIPPED, digests.SILENT)
            )
            listed.append(Listed(each, last, missed, silent))
    return Reply(channel(listed))


def now(asked: Asked, services: Services) -> Reply:
    """How things stand, for the eyes of who asks, with a button to share it."""
    at = services.clock.now()
    with services.store.read() as tx:
        content = gather(tx, at - timedelta(days=1), at, services.policy, told=SHOWN)
    told = message(content, Occasion(has_thread=False))
    return Reply(Message(told.text, [*told.blocks, actions(button("Share in channel", SHARE, "now"))]))


@digest.action("share", changes=True)
def share(value: str, asked: Asked, services: Services) -> Answer:
    """Post how things stand now, for everybody in the channel."""
    services.people.require_spotter_in(asked.channel)
    at = services.clock.now()
    with services.store.read() as tx:
        content = gather(tx, at - timedelta(days=1), at, services.policy)
    key = f"digest:shared:{asked.key}"[:255]
    with services.store.write() as tx:
        if messages.get(tx, key):
            return Reply(note("This was shared with the channel before. /digest now tells how things stand."))
        audit.record(
            tx,
            at=at,
            actor=asked.person.id,
            action="digest.share",
            subject=key,
            channel=asked.channel,
        )
        post(tx, key, asked.channel, content, Occasion(), at, asked.person.id)
    services.wake(COURIER)
    return None


@digest.action("preview")
def preview(digest_id: str, asked: Asked, services: Services) -> Reply:
    there = known(digest_id, asked, services)
    content, occasion, changed = collect(there, services)
    told = message(content, replace(occasion, has_thread=False))
    fate = "" if changed or not there.quiet else " Nothing has changed, so it would stay silent."
    return Reply(Message(f"Preview. {told.text}", [*told.blocks, context(f"A preview for your eyes.{fate}")]))


@digest.action("pause", changes=True)
def pause(digest_id: str, asked: Asked, services: Services) -> Reply:
    return _stands(
        _changed(digest_id, asked, services, "pause", lambda _: {"state": digests.PAUSED, "next_at": None})
    )


@digest.action("resume", changes=True)
def resume(digest_id: str, asked: Asked, services: Services) -> Reply:
    def goes_on(there: Digest) -> Columns:
        next_at = schedule.parse(there.cron).next(services.clock.now(), there.zone)
        return {"state": digests.ON, "next_at": next_at}

    return _stands(_changed(digest_id, asked, services, "resume", goes_on))


@digest.action("remove", changes=True)
def remove(digest_id: str, asked: Asked, services: Services) -> Reply:
    return _stands(
        _changed(digest_id, asked, services, "remove", lambda _: {"state": digests.REMOVED, "next_at": None})
    )


@digest.action("review")
def review(deployment_id: str, asked: Asked, services: Services) -> Reply:
    """A request's card, with its buttons and where it stands in the channel."""
    with services.store.read() as tx:
        deployment = deployments.get(tx, deployment_id)
        if deployment is None:
            raise UserError(
                "That request is not in Spotter's records any more.", "/models shows what runs where."
            )
        shown = card_of(tx, deployment, services)
        posted = messages.get(tx, card_key(deployment))
    link = services.people.link_to(posted.channel, posted.ts) if posted and posted.ts else None
    place = [context(f"<{link}|Its card in the channel>")] if link else []
    return Reply(Message(shown.text, [*shown.blocks, *place]))


@digest.follow("digests", every=lambda policy: policy.pace.runs_seconds, service=DATABASE)
def send_what_is_due(services: Services) -> None:
    set_first_ones(services)
    with services.store.read() as tx:
        due = digests.due(tx, services.clock.now())
    for each in due:
        send_due(each, services)


def _changed(
    digest_id: str, asked: Asked, services: Services, act: str, columns: Callable[[Digest], Columns]
) -> Digest:
    """The digest after a person has changed it; as it is where this very delivery has changed one before."""
    with services.store.write() as tx:
        before = still_set(tx, digest_id)
        if is_theirs(before, asked):
            return _change(tx, before, asked, services, act, columns(before))
    known(digest_id, asked, services)  # Slack may have to be asked, for which no other writer is to wait
    with services.store.write() as tx:
        before = still_set(tx, digest_id)
        return _change(tx, before, asked, services, act, columns(before))


def _change(
    tx: Connection, before: Digest, asked: Asked, services: Services, act: str, columns: Columns
) -> Digest:
    now = services.clock.now()
    if not asked.first_time(tx, now):
        return before
    changed = digests.change(tx, before.id, **columns)
    if before.state != changed.state:
        audit.record(
            tx,
            at=now,
            actor=asked.person.id,
            action=f"digest.{act}",
            subject=before.id,
            channel=changed.channel,
        )
    return changed


def _stands(there: Digest) -> Reply:
    if there.state == digests.REMOVED:
        return Reply(note(f"Removed: {words(there)}."))
    if there.next_at is None:
        return Reply(note(f"Paused: {words(there)}. `/digest resume` goes on with it."))
    return Reply(note(f"Goes on: {words(there)}, next {when(there.next_at)}."))


def _quiet(said: str) -> bool:
    if said.lower() not in (*YES, *NO):
        raise UserError(
            f"“{said[:80]}” is neither yes nor no.",
            "yes stays silent when nothing has changed.",
            field="quiet",
        )
    return said.lower() in YES
