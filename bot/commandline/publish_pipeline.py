"""`spotter publish-pipeline`"""

import sys
from pathlib import Path

import click

from bot import settings
from bot.commandline.options import config_option
from commands.kit import policy
from commands.kit.errors import UserError


@click.command("publish-pipeline")
@click.option("--version", required=True, help="The component's version, such as a build id.")
@config_option
def publish_pipeline(version: str, config: Path | None) -> None:
    """Publish the training pipeline to the workspace."""
    from infra.azureml.errors import AzureError
    from infra.training.publish import PublishedDifferentlyError, publish

    try:
        published = publish(settings.read_workspace(), policy.load(config).training, version)
    except (UserError, PublishedDifferentlyError, AzureError) as problem:
        why = f" ({problem.__cause__})" if problem.__cause__ else ""
        sys.exit(f"spotter: {problem}{why}")
    state = "Published" if published.created else "Already published:"
    click.echo(f"{state} {published.name} version {published.version}: {published.id}")
