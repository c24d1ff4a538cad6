"""`/exports [name]`: labeling exports, newest first, what is in them, and **Train on this**.

Also labeling projects with their progress and **Export labels**, **Prepare for training** for COCO exports, and the
announcement of every new export.
"""

from commands.exports.command import exports
from commands.exports.follow import follow_exports
from commands.exports.labels import follow_labels
from commands.exports.prepare import follow_preparations

__all__ = ["exports", "follow_exports", "follow_labels", "follow_preparations"]
