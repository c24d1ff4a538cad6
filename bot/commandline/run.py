"""`spotter run`"""

import logging
import os
import sys

import click

from bot import log, settings
from bot.door import Door
from commands.kit.errors import UserError
from storage.claim import StoreInUse


@click.command()
def run() -> None:
    """Serve Slack until SIGTERM."""
    log.configure()
    try:
        finished = Door(settings.read()).serve()
    except (UserError, StoreInUse) as problem:
        sys.exit(f"spotter: {problem}")
    if not finished:
        logging.shutdown()
        os._exit(0)  # else the interpreter waits for the thread that hangs
