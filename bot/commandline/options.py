"""Options that several commands take."""

from pathlib import Path

import click

config_option = click.option(
    "--config",
    envvar="SPOTTER_CONFIG",
    type=click.Path(path_type=Path),
    default=Path("spotter.toml"),
    show_default=True,
    help="The policy file.",
)
