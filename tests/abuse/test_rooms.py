"""What belongs to a channel is for those who are in it."""

import pytest

from commands.kit.policy import Roles
from storage import digests
from storage.digests import Digest
from tests.abuse.counter import Counter
from tests.abuse.people import PEOPLE

PRIVATE = "C0QUALITY1"


@pytest.mark.parametrize("act", ["preview", "pause", "remove"])
def test_a_digest_of_a_private_channel_is_not_for_who_has_left_it(bot: Counter, act: str) -> None:
    """Whose Home still shows its buttons."""
    bot.open(bot.services.policy.model_copy(update={"roles": Roles()}))
    now = bot.services.clock.now()
    told = ("quality", PRIVATE, "30 8 * * 1-5", "Europe/Berlin", False, "U0TRAINER1", "trainer", now, now)
    with bot.services.store.write() as tx:
        digests.add(tx, Digest(*told))
    click = bot.clicked(PEOPLE["outsider"][0], f"digest.{act}", "quality")
    from_home = {"container": {"type": "view", "view_id": "V1"}, "channel": None}
    seen = bot.deliver({**click, **from_home})
    assert "a channel that you are not in" in seen.told
    assert not seen.changed
