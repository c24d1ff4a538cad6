"""The `spotter` command line."""

import json
import logging
import os
import sys
from pathlib import Path

import click

import commands
from bot import log, settings
from commands.kit import policy
from commands.kit.clock import Clock
from commands.kit.errors import UserError
from commands.kit.manifest import manifest
from storage import audit
from storage.database import Store, StoreInUse


@click.group()
def main() -> None:
    """Train object-detection models from Slack."""


@main.command()
def run() -> None:
    """Serve Slack until SIGTERM."""
    log.configure()
    try:
        from bot.app import Spotter

        config = settings.read()
        bot = Spotter(config, policy.load(config.spotter_config), Clock())
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


@main.command("publish-pipeline")
@click.option("--version", required=True, help="The component's version, such as a build id.")
@click.option(
    "--config",
    envvar="SPOTTER_CONFIG",
    type=click.Path(path_type=Path),
    default=Path("spotter.toml"),
    show_default=True,
)
def publish_pipeline(version: str, config: Path) -> None:
    """Publish the training pipeline as a component of the workspace."""
    from infra.azureml.errors import AzureError
    from infra.training.publish import PublishedDifferentlyError, publish

    try:
        published = publish(settings.read_workspace(), policy.load(config).training, version)
    except (UserError, PublishedDifferentlyError, AzureError) as problem:
        why = f" ({problem.__cause__})" if problem.__cause__ else ""
        sys.exit(f"spotter: {problem}{why}")
    state = "Published" if published.created else "Already published:"
    click.echo(f"{state} {published.name} version {published.version}: {published.id}")


@main.command("manifest")
@click.option("--request-url", help="The public address of /slack/events, for HTTP mode.")
def show_manifest(request_url: str | None) -> None:
    """Print the Slack app manifest."""
    click.echo(json.dumps(manifest(commands.ALL, request_url=request_url), indent=2))


@main.group("audit")
def audit_group() -> None:
    """The audit trail."""


@audit_group.command()
@click.option("--database-url", envvar="DATABASE_URL", default="sqlite:///spotter.db", show_default=True)
def verify(database_url: str) -> None:
    """Check that no row of the trail was changed, removed or reordered."""
    store = Store(database_url)
    with store.read() as tx:
        broken = audit.verify(tx)
        rows = sum(1 for _ in audit.rows(tx))
    if broken:
        sys.exit(f"spotter: the audit trail is broken at row {broken.seq}: {broken.reason}.")
    click.echo(f"The audit trail is whole: {rows} rows.")


if __name__ == "__main__":
    main()
