"""`/models [name]`: registered models with their metrics; and the announcement of every new version."""

import commands.deploy  # noqa: F401  comes first, for the two rooms know each other
from commands.models.command import models
from commands.models.evaluations import follow_evaluations
from commands.models.follow import follow_devices, follow_models

__all__ = ["follow_devices", "follow_evaluations", "follow_models", "models"]
