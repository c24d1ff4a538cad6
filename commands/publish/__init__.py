"""`/publish`: runs the Azure DevOps pipeline that publishes the training pipeline, and follows it to its end."""

from commands.publish.command import publish
from commands.publish.follow import follow_publishes
from commands.publish.verify import verify_publishes

__all__ = ["follow_publishes", "publish", "verify_publishes"]
