"""`make bench`: every bar, measured. `make bench ARGS="store"` measures one part, `ARGS="--quick"` a first look.

Each part prints a table; `--write` puts it into docs/performance.md. Nothing here is asserted by the test suite.
"""

import importlib
import time
from pathlib import Path

import click

from tests.bench.table import HEADINGS, Row, machine, printed, write_down

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
PARTS = ("store", "scale", "ack", "courier", "polling", "announcing", "start", "peers", "chatbots", "sandbox")
FIRST_LOOK = " A first look, with less of everything."


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(PARTS))
@click.option("--quick", is_flag=True, help="Smaller and shorter, for a first look.")
@click.option("--write", is_flag=True, help="Put what was measured into docs/performance.md.")
def main(parts: tuple[str, ...], quick: bool, write: bool) -> None:
    """Measures PARTS, in the order of the docs; without any, all of them."""
    click.echo(machine())
    for name in PARTS:
        if parts and name not in parts:
            continue
        part = importlib.import_module(f"tests.bench.{name}")
        title, _, about = (part.__doc__ or "").partition(": ")
        about = " ".join(about.split())
        about = about[:1].upper() + about[1:] + (FIRST_LOOK if quick else "")
        click.echo(f"\n{title}: {about}\n\n{printed(HEADINGS)}")
        rows: list[Row] = []
        began = time.monotonic()
        for row in part.measure(quick=quick):
            click.echo(printed(row.cells))
            rows.append(row)
        click.echo(f"({time.monotonic() - began:.0f} s)")
        if write:
            write_down(PAGE, title, about, rows)


if __name__ == "__main__":
    main()
