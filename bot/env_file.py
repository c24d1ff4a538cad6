"""`.env`: settings of a folder, for people who keep them in no other place."""

import os
from pathlib import Path

from dotenv import dotenv_values

ENV_FILE = Path(".env")


def take_in(file: Path = ENV_FILE) -> None:
    """Puts the file's values into the environment, where all of Spotter and Azure's own libraries look for them.

    What the environment has already stays as it is. What is empty in the file counts as not set.
    """
    for name, value in dotenv_values(file).items():
        if value:
            os.environ.setdefault(name, value)
