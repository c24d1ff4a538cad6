"""Parts a labeling export into pictures to learn from and pictures to be measured on, by their names alone.

Runs as the pipeline's first step, in a curated Azure ML environment: needs Python 3.10, PyYAML, azure-core and
azure-identity. Ends with status 1 and one line of reason where the export cannot be parted; what is wrong with its
rows is left to the trainer to say.
"""

import argparse
import json
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from azure.core.exceptions import AzureError

from infra.training.job.addresses import name_of
from infra.training.job.azure import Azure, RefusedError
from infra.training.job.files import Files
from infra.training.split.held_out import ANNOTATIONS, BOXES, PICTURE, held_out

log = logging.getLogger("split")


class NoTableError(Exception):
    """What was given is no MLTable of JSON lines."""


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    logging.getLogger("azure").setLevel(logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("export", "training", "held-out"):
        parser.add_argument(f"--{name}", required=True, type=Path)
    given = parser.parse_args(arguments)
    try:
        split(given.export, given.training, given.held_out, environment)
    except NoTableError as fault:
        return _failed(f"MLTable input is invalid. {fault}")
    except (RefusedError, AzureError, OSError) as fault:
        return _failed(f"The export could not be read: {fault}")
    return 0


def split(export: Path, training: Path, measured: Path, environment: Mapping[str, str]) -> None:
    """Writes two MLTables that together have every row of the export's, word for word. Raises NoTableError."""
    table = _table(export)
    lines = [
        line for text in _texts(export, table, environment) for line in text.splitlines() if line.strip()
    ]
    rows = [_row(line) for line in lines]
    names = [name_of(str(row.get(PICTURE))) for row in rows]
    held = held_out(names, [bool(row.get(BOXES)) for row in rows])
    _write(training, table, [line for number, line in enumerate(lines) if number not in held])
    _write(measured, table, [lines[number] for number in sorted(held)])
    log.info("%s pictures to learn from, %s held out.", len(lines) - len(held), len(held))


def _table(export: Path) -> dict[str, Any]:
    try:
        table = yaml.safe_load((export / "MLTable").read_text(encoding="utf-8"))
        if not all(isinstance(entry["file"], str) for entry in table["paths"]):
            raise TypeError
    except FileNotFoundError as fault:
        raise NoTableError("Not able to find MLTable file from the MLTable folder.") from fault
    except (yaml.YAMLError, UnicodeDecodeError, TypeError, KeyError) as fault:
        raise NoTableError("Its MLTable does not name its files one by one.") from fault
    found: dict[str, Any] = table
    return found


def _texts(export: Path, table: Mapping[str, Any], environment: Mapping[str, str]) -> list[str]:
    texts = []
    for entry in table["paths"]:
        file = entry["file"]
        if "://" in file:
            texts.append(Files(Azure(environment)).read(file).decode("utf-8"))
        else:
            texts.append((export / file).read_text(encoding="utf-8"))
    return texts


def _row(line: str) -> dict[str, Any]:
    """Empty where the line is none; the trainer says so."""
    try:
        row = json.loads(line)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}


def _write(folder: Path, table: Mapping[str, Any], lines: Sequence[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ANNOTATIONS).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    described = yaml.safe_dump({**table, "paths": [{"file": f"./{ANNOTATIONS}"}]}, sort_keys=False)
    (folder / "MLTable").write_text(described, encoding="utf-8")


def _failed(reason: str) -> int:
    log.error("ERROR: %s", reason)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
