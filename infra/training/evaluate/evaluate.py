"""Measures the model that was just registered, and those it may replace, on the same held-out pictures.

Runs as the pipeline's last step, in AutoML's own environment: needs Python 3.10, azure-core, azure-identity and what
the models' scoring files import. Leaves `outputs/evaluation.json` among the artifacts of its run. A model that does
not answer there is named with the reason; this step never fails a training whose model is registered.
"""

import argparse
import logging
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from azure.core.exceptions import AzureError

from infra.training.evaluate import document
from infra.training.evaluate.contestants import Contestant, answers_of, contestants
from infra.training.evaluate.pictures import Picture, fetch
from infra.training.job.azure import Azure, RefusedError
from infra.training.job.files import Files, NowhereError

OUTPUT = Path("outputs") / "evaluation.json"

log = logging.getLogger("evaluate")


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    logging.getLogger("azure").setLevel(logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--registered", required=True, type=Path, help="the folder that says as what")
    parser.add_argument("--held-out", required=True, type=Path, help="the MLTable of the held-out pictures")
    parser.add_argument("--dataset", required=True, help="name:version of the export that they are from")
    parser.add_argument("--compared-with", default="", help="name:version of models in use, with commas")
    given = parser.parse_args(arguments)
    try:
        evaluation = evaluate(given, Azure(environment))
    except (RefusedError, NowhereError, AzureError, OSError, ValueError, KeyError) as fault:
        evaluation = document.impossible(given.dataset, f"{type(fault).__name__}: {fault}")
        log.warning("Nothing was measured: %s", evaluation["trouble"])
    document.write(OUTPUT, evaluation)
    return 0


def evaluate(given: argparse.Namespace, azure: Azure) -> dict[str, Any]:
    """The document that `document` describes. Raises what reading from Azure raises."""
    files = Files(azure)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        measured = contestants(azure, given.registered, given.compared_with)
        pictures, left_out = fetch(files, given.held_out, folder / "pictures")
        if not any(picture.truth for picture in pictures):
            return document.impossible(given.dataset, "No held-out picture with boxes could be read.")
        _ask_all(measured, pictures, files, folder)
    for each in measured:
        log.info("%s: %s", each.name, each.trouble or "answered")
    return document.describe(given.dataset, measured, pictures, left_out)


def _ask_all(measured: Sequence[Contestant], pictures: Sequence[Picture], files: Files, folder: Path) -> None:
    for number, each in enumerate(measured):
        place = folder / f"model-{number}"
        each.answers, each.trouble = answers_of(each, len(pictures), files, place, folder / "pictures")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
