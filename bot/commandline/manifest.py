"""`spotter manifest`"""

import json

import click

from commands import rooms
from commands.kit.manifest import manifest


@click.command("manifest")
@click.option("--request-url", help="The public address of /slack/events, for HTTP mode.")
def show_manifest(request_url: str | None) -> None:
    """Print the Slack app manifest."""
    click.echo(json.dumps(manifest(rooms.ALL, request_url=request_url), indent=2))
