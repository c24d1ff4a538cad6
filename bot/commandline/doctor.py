"""`spotter doctor`"""

import logging
import os
import sys
from datetime import UTC, datetime

import click

from bot.doctor.checkup import examine
from bot.doctor.report import as_json, as_text, exit_code


@click.command()
@click.option("--json", "in_json", is_flag=True, help="For programs: docs/doctor.md tells the format.")
def doctor(in_json: bool) -> None:
    """Look at every setting and permission, and change nothing.

    Ends with 0 where Spotter can run, 1 where something must be put right, 2 where something could not be looked at.
    """
    from bot.doctor.services import services

    logging.getLogger("azure").setLevel(logging.CRITICAL)  # its warnings come back as findings
    found = services(lambda: datetime.now(UTC))
    findings = examine(found)
    titles = {service.key: service.title for service in found}
    click.echo(as_json(findings, datetime.now(UTC)) if in_json else as_text(findings, titles))
    sys.stdout.flush()
    os._exit(exit_code(findings))  # a look that hangs is left behind
