"""What is let go of in time, so that the store does not grow without end."""

from datetime import timedelta

from commands.deploy.prepare import PICTURE_FILE
from commands.kit.health import DATABASE
from commands.kit.services import Services
from commands.spotter.command import spotter
from storage import pictures

KEPT = timedelta(days=30)
EVERY = timedelta(hours=6)


@spotter.follow("old pictures", every=lambda policy: EVERY.total_seconds(), service=DATABASE)
def forget_pictures(services: Services) -> None:
    """Of announcements: Slack has their files. What approvers saw is kept for good."""
    with services.store.write() as tx:
        pictures.forget(tx, services.clock.now() - KEPT, but=PICTURE_FILE)
