"""Starts `errbot` or `opsdroid`, in its own environment.

Neither can be told where Slack is, so slack_sdk's default address is changed to SLACK_API_URL; all else is theirs.
"""

import os
import sys
from pathlib import Path

from slack_sdk.web.async_base_client import AsyncBaseClient
from slack_sdk.web.base_client import BaseClient

HERE = Path(__file__).parent


def main(name: str) -> None:
    for client in (BaseClient, AsyncBaseClient):
        defaults = client.__init__.__defaults__
        twin = os.environ["SLACK_API_URL"]
        client.__init__.__defaults__ = tuple(
            twin if value == client.BASE_URL else value for value in defaults or ()
        )
    if name == "opsdroid":
        from opsdroid.cli import cli as start  # type: ignore[import-not-found]  # in its own environment only

        written = Path(os.environ["BENCH_FOLDER"]) / "configuration.yaml"  # it takes no port from elsewhere
        written.write_text(os.path.expandvars((HERE / "opsdroid" / "configuration.yaml").read_text()))
        sys.argv = [name, "start", "-f", str(written)]
    else:
        from errbot.cli import main as start  # type: ignore[import-not-found]  # in its own environment only

        sys.argv = [name, "-c", str(HERE / "errbot" / "config.py")]
    start()


if __name__ == "__main__":
    main(sys.argv[1])
