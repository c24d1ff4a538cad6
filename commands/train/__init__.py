"""`/train`: starts the published training pipeline and follows it to its end."""

from commands.train.clusters import follow_clusters
from commands.train.command import train
from commands.train.follow import follow_runs

__all__ = ["follow_clusters", "follow_runs", "train"]
