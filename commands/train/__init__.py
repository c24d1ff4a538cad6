"""`/train`: starts the published training pipeline and follows it to its end."""

from commands.train.clusters import follow_clusters
from commands.train.command import train
from commands.train.follow import follow_runs
from commands.train.move import move

__all__ = ["follow_clusters", "follow_runs", "move", "train"]
