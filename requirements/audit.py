"""Whether a known weakness is in what Spotter runs with: part of `make lint`. Red where there is one; where the list of
weaknesses cannot be had, it says so and is not red."""

import json
import subprocess
import sys
from pathlib import Path

PINS = Path(__file__).with_name("run.txt")
PATIENCE = 60  # seconds


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
    if len(looked_up) < len(found) or not found:
        left = len(found) - len(looked_up)
        sys.stderr.write(
            f"NOT AUDITED: the list of known weaknesses could not be had for {left or 'all'} of the pinned packages.\n"
        )
    return 1 if weak else 0


if __name__ == "__main__":
    sys.exit(main())
