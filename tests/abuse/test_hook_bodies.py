"""Whoever knows no secret gets 401 from every address that takes news, whatever they send; whoever knows it gets an
answer of ours for any body, and only what is news wakes anybody."""

import json

import requests
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.hooks import HEADER
from commands.kit.services import Services
from storage import audit
from tests.abuse.strange import JUNK, NO_JSON
from tests.bot.conftest import desk, services
from tests.bot.test_hooks import SECRET, Door, door

__all__ = ["desk", "door", "services"]
ADDRESSES = ("/hooks/devops", "/hooks/azure", "/checks/deployment")
junk = st.sampled_from([each for each in JUNK if each == each])
keys = st.sampled_from(["subscriptionId", "notificationId", "id", "buildId", "data", "eventType"])
bodies = st.sampled_from(NO_JSON) | st.one_of(
    junk, st.dictionaries(keys, junk), st.lists(st.dictionaries(keys, junk), max_size=3)
).map(lambda told: json.dumps(told)[:3000].encode())
fuzzed = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=40
)


def post(door: Door, address: str, body: bytes, secret: str | None, kind: str = "") -> requests.Response:
    headers = {"Content-Type": "application/json", "aeg-event-type": kind}
    query = {"secret": secret} if secret and address == "/hooks/azure" else {}
    if secret and address != "/hooks/azure":
        headers[HEADER] = secret
    return requests.post(door.url + address, data=body[:4000], headers=headers, params=query, timeout=30)


@fuzzed
@given(st.sampled_from(ADDRESSES), bodies, st.sampled_from(["", "Notification", "SubscriptionValidation"]))
@example("/checks/deployment", b'{"buildId": "77"}', "")
def test_any_body_is_answered_and_none_without_the_secret(
    door: Door, address: str, body: bytes, kind: str
) -> None:
    for secret in (None, "wrong", SECRET[:-1]):
        refused = post(door, address, body, secret, kind)
        assert (refused.status_code, refused.text) == (401, "401: Unauthorized")
    assert post(door, address, body, SECRET, kind).status_code in (200, 400, 403)


def test_a_run_that_spotter_does_not_know_is_refused_and_written_down(door: Door, services: Services) -> None:
    body = b'{"buildId": "77"}'
    assert post(door, "/checks/deployment", body, None).status_code == 401
    refused = post(door, "/checks/deployment", body, SECRET)
    assert (refused.status_code, refused.json()["approved"]) == (403, False)
    with services.store.read() as tx:
        assert [(row.actor, row.action, row.subject) for row in audit.rows(tx)] == [
            ("azure-devops", "deploy.check", "run:77")
        ]
