"""`/exports [name]`: labeling exports, newest first, what is in them, and **Train on this**."""

from commands.exports.command import exports
from commands.exports.follow import follow_exports

__all__ = ["exports", "follow_exports"]
