"""`/deploy`: asks for a model on a target, lets the right people decide, and ships it ring by ring."""

from commands.deploy.command import deploy
from commands.deploy.decide import approve, withdraw
from commands.deploy.follow import follow_deployments
from commands.deploy.rollback import roll_back_now

__all__ = ["approve", "deploy", "follow_deployments", "roll_back_now", "withdraw"]
