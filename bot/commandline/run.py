"""`spotter run`"""

import logging
import os
import sys

import click

from bot import log, settings
from bot.app import Spotter
from commands.kit.clock import Clock
from commands.kit.errors import UserError
from storage.claim import StoreInUse


@click.command()
def run() -> None:
    """Serve Slack until SIGTERM."""
    log.configure()
    try:
        config = settings.read()
        bot = Spotter(config, settings.read_policy(), Clock())
    except (UserError, StoreInUse) as problem:
        sys.exit(f"spotter: {problem}")
    try:
        finished = bot.run()
    except OSError as refused:
        sys.exit(
            f"spotter: cannot serve on {config.host}:{config.port} ({refused.strerror}). Set HOST or PORT."
        )
    if not finished:
        logging.shutdown()
        os._exit(0)  # else the interpreter waits for the thread that hangs
