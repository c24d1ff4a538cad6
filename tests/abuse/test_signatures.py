"""HTTP mode: what Slack signed just now is heard, and counts once however often it comes; all else changes nothing."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import aiohttp
from slack_bolt import BoltRequest

from bot.http import Inside, WebServer
from bot.waiting_room import WaitingRoom
from sandbox.claim import free_port
from storage.leases import Lease
from tests.abuse.actions import ROWS, RULES, Row
from tests.abuse.counter import SIGNING_SECRET, Counter, Seen
from tests.abuse.people import PEOPLE
from tests.abuse.plant import COCO, DIGEST, PAUSED
from tests.abuse.test_who_may import delivery

STAMP, SIGNATURE = "X-Slack-Request-Timestamp", "X-Slack-Signature"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
WAYS = {row.way: row for row in ROWS}


def posted(body: dict[str, Any]) -> tuple[str, str]:
    """The text of a request, and its kind."""
    if "event" in body:
        return json.dumps(body), JSON
    return urlencode(body if "command" in body else {"payload": json.dumps(body)}), FORM


def signed(text: str, kind: str, *, at: object = None, secret: str = SIGNING_SECRET) -> dict[str, str]:
    stamp = str(int(time.time()) if at is None else at)
    digest = hmac.new(secret.encode(), f"v0:{stamp}:{text}".encode(), hashlib.sha256).hexdigest()
    return {"Content-Type": kind, STAMP: stamp, SIGNATURE: f"v0={digest}"}


def sent(bot: Counter, text: str, headers: dict[str, str]) -> Seen:
    return bot.take(BoltRequest(body=text, headers=dict(headers)))


def asked(bot: Counter, row: Row) -> dict[str, Any]:
    """By somebody who may."""
    return delivery(bot, row, PEOPLE[min(RULES[row.rule])][0])


def test_a_signed_request_that_comes_again_changes_nothing_more(bot: Counter) -> None:
    for row in [row for row in ROWS if row.effect == "changes"]:
        text, kind = posted(asked(bot, row))
        headers = signed(text, kind)
        first = sent(bot, text, headers)
        assert (first.status, bool(first.changed), bool(first.audited)) == (200, True, True), row
        for _ in range(3):
            again = sent(bot, text, headers)
            assert (again.status, again.changed, again.audited) == (200, set(), []), row
        bot.restore()


def undone(bot: Counter) -> Iterator[tuple[dict[str, Any], Callable[[], object]]]:
    """What changes something that can be changed back, and how it is."""
    who = PEOPLE["trainer"][0]

    def doing(body: dict[str, Any]) -> Callable[[], object]:
        return lambda: bot.deliver(body)

    yield bot.clicked(who, "digest.pause", DIGEST), doing(bot.clicked(who, "digest.resume", DIGEST))
    yield bot.clicked(who, "digest.resume", PAUSED), doing(bot.clicked(who, "digest.pause", PAUSED))
    yield bot.clicked(who, "digest.share", "now"), doing(bot.clicked(who, "digest.share", "now"))
    ways: list[Callable[[str], dict[str, Any]]] = [
        lambda words: bot.typed(who, "/digest", words),
        lambda words: bot.mentioned(who, f"digest {words}"),
    ]
    for said in ways:
        yield said("pause 1"), doing(said("resume 1"))
        yield said("resume 2"), doing(said("pause 2"))
        yield said("set every hour"), doing(said("remove every hour"))
        yield said("remove 1"), lambda: None  # after which the second one is the first
    form = bot.view("digest.setting", {"when": "every hour", "zone": "Europe/Berlin", "quiet": "no"})
    yield bot.submitted(who, form), doing(bot.typed(who, "/digest", "remove every hour"))
    yield (
        bot.clicked(who, "exports.prepare", COCO),
        lambda: bot.eyes.execute("UPDATE preparations SET state = 'failed'"),
    )


def test_nor_does_it_once_others_have_undone_what_it_did(bot: Counter) -> None:
    for body, undo in undone(bot):
        text, kind = posted(body)
        headers = signed(text, kind)
        assert sent(bot, text, headers).audited, body
        undo()
        again = sent(bot, text, headers)
        assert (again.status, again.changed, again.audited) == (200, set(), []), body
        bot.restore()


def test_another_click_on_the_same_button_is_another_wish(bot: Counter) -> None:
    who = PEOPLE["trainer"][0]
    body = bot.clicked(who, "digest.pause", DIGEST)
    for _ in range(2):
        assert bot.deliver({**body, "trigger_id": bot.clicked(who, "", "")["trigger_id"]}).audited
        assert bot.deliver(bot.clicked(who, "digest.resume", DIGEST)).audited


def forged(text: str, kind: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The same request as others would send it."""
    now, good = int(time.time()), signed(text, kind)
    yield text + "&", good
    yield text.replace("0", "1", 1), good
    yield "", good
    yield text, {**good, STAMP: str(now + 1)}
    for missing in (STAMP, SIGNATURE):
        yield text, {name: told for name, told in good.items() if name != missing}
        yield text, {**good, missing: ""}
    for at in (now - 310, now - 86400, now + 400, "soon", "", "9" * 5000, "-1", "1e9"):
        yield text, signed(text, kind, at=at)
    for secret in ("", "another", SIGNING_SECRET + " "):
        yield text, signed(text, kind, secret=secret)
    yield text, {**good, SIGNATURE: good[SIGNATURE].removeprefix("v0=")}
    yield text, {**good, SIGNATURE: "v0=" + "\xe4" * 64}
    yield "[" * 100_000, {"Content-Type": JSON}


async def answers(bot: Counter, requests: Iterable[tuple[str, dict[str, str]]]) -> list[int]:
    """The statuses that Spotter's own web server gives them."""
    with ThreadPoolExecutor(1) as pool:
        lease = Lease(bot.services.store, "here", 15)
        inside = Inside(lambda request: (bot.bolt.dispatch(request), lambda: None), bot.services, lease, None)
        room = WaitingRoom(pool)
        room.inside.set_result(inside)
        server = WebServer(room.dispatch, room.inside, pool, None, SIGNING_SECRET)
        port = free_port()
        await server.start("127.0.0.1", port)
        try:
            async with aiohttp.ClientSession() as session:
                return [
                    (
                        await session.post(
                            f"http://127.0.0.1:{port}/slack/events", data=text, headers=headers
                        )
                    ).status
                    for text, headers in requests
                ]
        finally:
            await server.stop()


def test_what_slack_did_not_sign_just_now_is_not_heard(bot: Counter) -> None:
    genuine = [posted(asked(bot, row)) for row in WAYS.values()]
    false = [each for text, kind in genuine for each in forged(text, kind)]
    before, calls = bot.rows(), len(bot.twin.faults.log())
    assert set(asyncio.run(answers(bot, false))) == {401}
    assert (bot.rows(), len(bot.twin.faults.log())) == (before, calls)
    true = [(text, signed(text, kind)) for text, kind in genuine]
    assert asyncio.run(answers(bot, true)) == [200] * len(WAYS)
    assert bot.rows() != before
