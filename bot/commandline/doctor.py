"""`spotter doctor`"""

import logging
import os
import sys
from datetime import UTC, datetime

import click

from bot.doctor.checkup import PATIENCE, examine
from bot.doctor.report import as_json, as_text, exit_code


@click.command()
@click.option("--json", "in_json", is_flag=True, help="For programs: docs/doctor.md tells the format.")
@click.option(
    "--patience",
    default=PATIENCE,
    show_default=True,
    type=click.FloatRange(1),
    help="Seconds to wait in all.",
)
def doctor(in_json: bool, patience: float) -> None:
    """Look at every setting and permission, and change nothing.

    Ends with 0 where Spotter can run, 1 where something must be put right, 2 where something could not be looked at.
    """
    from bot.doctor.services import services

    logging.getLogger("azure").setLevel(logging.CRITICAL)  # its warnings come back as findings
    found = services(lambda: datetime.now(UTC))
    findings = examine(found, patience)
    titles = {service.key: service.title for service in found}
    click.echo(as_json(findings, datetime.now(UTC)) if in_json else as_text(findings, titles))
    sys.stdout.flush()
    os._exit(exit_code(findings))  # a look that hangs is left behind
