"""Asks one model about pictures through its own scoring file, as the devices do, in a process of its own.

Writes a JSON list with the model's answer to each picture of the folder, in the order of their names. Ends with
status 1 and one line of reason where the model does not answer.
"""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.edge.module.model import Model, ModelNotLoaded, ScoringFailed


def main(arguments: Sequence[str]) -> int:
    logging.basicConfig(level=logging.WARNING, stream=sys.stdout)
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("model", "pictures", "answers"):
        parser.add_argument(f"--{name}", required=True, type=Path)
    given = parser.parse_args(arguments)
    try:
        model = Model.load(given.model)
        answers = [model.score([file.read_bytes()])[0]["boxes"] for file in sorted(given.pictures.iterdir())]
    except (ModelNotLoaded, ScoringFailed) as fault:
        sys.stderr.write(f"{fault}\n")
        return 1
    given.answers.write_text(json.dumps(answers), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
