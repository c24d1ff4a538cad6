"""`/spotter`: what Spotter can do for the person who asks, who may do what, and how things stand."""

from commands.spotter.command import spotter
from commands.spotter.housekeeping import forget_pictures

__all__ = ["forget_pictures", "spotter"]
