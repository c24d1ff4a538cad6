"""Options that several commands take."""

from pathlib import Path

import click

config_option = click.option(
    "--config",
    envvar="SPOTTER_CONFIG",
    type=click.Path(path_type=Path),
    help="The policy file.  [default: spotter.toml where there is one]",
)
