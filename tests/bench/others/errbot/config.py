"""Errbot's own configuration file, for the bench."""

import logging
import os
from pathlib import Path

BACKEND = "SlackV3"
BOT_IDENTITY = {"token": os.environ["SLACK_BOT_TOKEN"], "app_token": os.environ["SLACK_APP_TOKEN"]}
BOT_DATA_DIR = os.environ["BENCH_FOLDER"]
BOT_EXTRA_PLUGIN_DIR = str(Path(__file__).parent)
BOT_LOG_FILE = None
BOT_LOG_LEVEL = logging.INFO
BOT_ADMINS = ("@trainer",)
BOT_PREFIX = "!"
CORE_PLUGINS = ("Help", "Utils")  # not the one that asks for new versions
