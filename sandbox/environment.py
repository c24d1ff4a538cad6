"""What a bot in the sandbox gets to know of the machine it runs on, and of the world beside it."""

import os
import secrets
from pathlib import Path

from sandbox.claim import free_port
from sandbox.world import World

OF_THE_MACHINE = (
    "PATH",
    "HOME",
    "LANG",
    "LANGUAGE",
    "TMPDIR",
    "TZ",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
)
FAMILIES = ("LC_", "PYTHON")


def bot_environment(world: World, folder: Path, policy: Path) -> dict[str, str]:
    """Points a bot at this world and at nothing else, whatever cloud, proxy or certificates the person who starts it
    has set for other work. `folder` takes the bot's database.
    """
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name in OF_THE_MACHINE or name.startswith(FAMILIES)
    }
    return {
        **inherited,
        **world.env(),
        "DATABASE_URL": f"sqlite:///{folder / 'spotter.db'}",
        "SPOTTER_CONFIG": str(policy),
        "HOOKS_SECRET": secrets.token_urlsafe(24),
        "PORT": str(free_port()),
    }
