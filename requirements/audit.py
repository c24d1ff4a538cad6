"""Whether a known weakness is in what Spotter runs with: part of `make lint`. Red where there is one. Where the list of
weaknesses cannot be had it says so, and is red only where SPOTTER_MUST_AUDIT is set, as it is to be wherever there is a
network."""

import json
import os
import subprocess
import sys
from pathlib import Path

PINS = Path(__file__).with_name("run.txt")
PATIENCE = 60  # seconds
MUST = "SPOTTER_MUST_AUDIT"


def main() -> int:
    asked = [
        sys.executable,
        "-m",
        "pip_audit",
        "--requirement",
        str(PINS),
        "--require-hashes",
        "--disable-pip",
    ]
    options = ["--no-deps", "--format", "json", "--progress-spinner", "off", "--timeout", "5"]
    try:
        done = subprocess.run(
            [*asked, *options], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        found = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        found = []
    looked_up = [each for each in found if "vulns" in each]
    weak = [each for each in looked_up if each["vulns"]]
    for each in weak:
        ids = ", ".join(told["id"] for told in each["vulns"])
        sys.stderr.write(f"{each['name']} {each['version']} has known weaknesses: {ids}\n")
    is_audited = bool(found) and len(looked_up) == len(found)
    if not is_audited:
        left = len(found) - len(looked_up)
        sys.stderr.write(
            f"NOT AUDITED: the list of known weaknesses could not be had for {left or 'all'} of the pinned packages."
            f" {f'{MUST} is set, so this fails.' if os.environ.get(MUST) else f'Set {MUST} where this should fail.'}\n"
        )
    return 1 if weak or (os.environ.get(MUST) and not is_audited) else 0


if __name__ == "__main__":
    sys.exit(main())
