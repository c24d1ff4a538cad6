"""What is let go of in time, so that the store does not grow by what is of no more use.

Records, the audit trail, what was measured and what approvers saw are kept for good.
"""

from datetime import timedelta

from commands.deploy.prepare import PICTURE_FILE
from commands.kit.health import DATABASE
from commands.kit.services import Services
from commands.spotter.command import spotter
from storage import marks, messages, pictures

KEPT = timedelta(days=30)
KEPT_WHEN_SENT = timedelta(days=2)  # of a picture: until its message has surely been posted
EVERY = timedelta(hours=1)


@spotter.follow("housekeeping", every=lambda policy: EVERY.total_seconds(), service=DATABASE)
def let_go_of_what_is_old(services: Services) -> None:
    """In small transactions, so that nobody waits for it."""
    now = services.clock.now()
    with services.store.write() as tx:
        marks.forget_old_deliveries(tx, now)
    with services.store.write() as tx:
        pictures.forget(tx, sent_before=now - KEPT_WHEN_SENT, made_before=now - KEPT, but=PICTURE_FILE)
    thinned = messages.PAGE
    while thinned == messages.PAGE:
        with services.store.write() as tx:
            thinned = messages.thin(tx, now - KEPT)
