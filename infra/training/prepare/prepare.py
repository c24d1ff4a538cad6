"""Turns a COCO export into the MLTable that AutoML for Images reads.

Runs as a job of its own, whose output becomes a data asset when it ends well. Needs nothing but Python 3.10. Ends with
status 1 and one line of reason where the export cannot be used.
"""

import argparse
import json
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .coco import BadCocoError, rows

ANNOTATIONS = "train_annotations.jsonl"
MLTABLE = f"""\
paths:
  - file: ./{ANNOTATIONS}
transformations:
  - read_json_lines:
        encoding: utf8
        invalid_lines: error
        include_path_column: false
  - convert_column_types:
      - columns: image_url
        column_type: stream_info
"""

log = logging.getLogger("prepare")


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--export", required=True, type=Path, help="the COCO file, or the folder it lies in")
    parser.add_argument("--address", required=True, help="the address of the same in its datastore")
    parser.add_argument("--prepared", required=True, type=Path, help="the folder to write")
    wanted = parser.parse_args(arguments)
    try:
        prepare(wanted.export, wanted.address, wanted.prepared, _datastores(environment))
    except BadCocoError as fault:
        return _failed(f"This export cannot be prepared. {fault}")
    except KeyError as fault:
        return _failed(f"This is no Azure ML job: {fault} is not set.")
    return 0


def prepare(export: Path, address: str, prepared: Path, datastores: str) -> None:
    """Writes the MLTable of an export into `prepared`. Raises BadCocoError."""
    file = _coco_file(export)
    folder = address.rpartition("/")[0] if export.is_file() else address.rstrip("/")
    within = "" if export.is_file() else "".join(f"{part}/" for part in file.parent.relative_to(export).parts)

    def beside(name: str) -> str | None:
        inside = bool(name) and ".." not in name and (file.parent / name).is_file()
        return f"{folder}/{within}{name}" if inside else None

    def in_datastore(store: str, path: str) -> str:
        return f"{datastores}/{store}/paths/{path}"

    made = rows(_document(file), in_datastore, beside)
    prepared.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(row) + "\n" for row in made)
    (prepared / ANNOTATIONS).write_text(lines, encoding="utf-8")
    (prepared / "MLTable").write_text(MLTABLE, encoding="utf-8")
    log.info("Prepared %s images with %s boxes.", len(made), sum(len(row["label"]) for row in made))


def _coco_file(export: Path) -> Path:
    if export.is_file():
        return export
    found = sorted(export.rglob("*.json"))
    if len(found) != 1:
        names = ", ".join(file.name for file in found[:3])
        raise BadCocoError(f"It holds {len(found)} JSON files instead of one{f': {names}' if names else ''}.")
    return found[0]


def _document(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as fault:
        raise BadCocoError(f"{file.name} is not UTF-8 text.") from fault
    except ValueError as fault:
        raise BadCocoError(f"{file.name} is not JSON: {fault}.") from fault


def _datastores(environment: Mapping[str, str]) -> str:
    """Where the addresses of this workspace's datastores begin."""
    return (
        f"azureml://subscriptions/{environment['AZUREML_ARM_SUBSCRIPTION']}"
        f"/resourcegroups/{environment['AZUREML_ARM_RESOURCEGROUP']}"
        f"/workspaces/{environment['AZUREML_ARM_WORKSPACE_NAME']}/datastores"
    )


def _failed(reason: str) -> int:
    log.error("ERROR: %s", reason)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
