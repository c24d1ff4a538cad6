"""`/spotter`: what Spotter can do for the person who asks, who may do what, and how things stand."""

from commands.spotter.command import spotter
from commands.spotter.housekeeping import let_go_of_what_is_old

__all__ = ["let_go_of_what_is_old", "spotter"]
