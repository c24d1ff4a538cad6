"""`spotter init`, as a person at a terminal and as a script."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from dotenv import dotenv_values

from commands.kit import policy
from commands.kit.policy import Policy
from tests.forks import Forks

SUBSCRIPTION = "8b6f1c52-40d8-4a3c-9f0e-2d7be1a9c4f3"
ANSWERS = (
    "my subscription",  # refused, and asked again
    SUBSCRIPTION,
    "vision-rg",
    "caps",
    "C0LINEVIS1",
    "S0TRAINERS, U0TRAINER1",
    "S0APPROVERS",
    "",
    "https://dev.azure.com/fabrikam",
    "Vision's project",
    "",
    "capturestore",
    "line-1 line-2",
    "plant.azure-devices.net",
)


ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}
COMMAND = (sys.executable, "-m", "bot.cli")
ASKS = re.compile(rb"[:\]] $")


def at_a_terminal(folder: Path, answers: tuple[str, ...], *arguments: str) -> str:
    """What stands on the screen at the end; each answer is typed when a question waits for it."""
    person, screen_of_process = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=folder,
        env=ENVIRONMENT,
        stdin=screen_of_process,
        stdout=screen_of_process,
        stderr=screen_of_process,
    ) as process:
        os.close(screen_of_process)
        waiting, screen = list(answers), b""
        while said := _read(person):
            screen += said
            if waiting and ASKS.search(screen):
                os.write(person, waiting.pop(0).encode() + b"\n")
    os.close(person)
    assert process.returncode == 0, screen.decode()
    assert not waiting, f"never asked for: {waiting}"
    return screen.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # how a terminal says that its process has ended
        return b""


def test_a_few_answers_make_a_policy_and_a_place_for_secrets(tmp_path: Path, forks: Forks) -> None:
    screen = at_a_terminal(tmp_path, ANSWERS, "init")

    assert "'my subscription' does not fit. It is the subscription's id" in screen
    assert "spotter provision apply" in screen
    made = policy.load(tmp_path / "spotter.toml")
    assert made.channels.models == made.targets["line-2"].channel == "C0LINEVIS1"
    assert made.roles.train == made.roles.deploy == ["S0TRAINERS", "U0TRAINER1"]
    assert made.roles.approve == ["S0APPROVERS"]
    assert made.provision and made.provision.datastore.account == "capturestore"
    env = tmp_path / ".env"
    assert env.stat().st_mode & 0o777 == 0o600
    told = dotenv_values(env)
    assert told["AZURE_SUBSCRIPTION_ID"] == SUBSCRIPTION
    assert told["AZURE_DEVOPS_PROJECT"] == "Vision's project"
    assert told["SLACK_BOT_TOKEN"] == told["SLACK_APP_TOKEN"] == ""
    assert "SLACK_SIGNING_SECRET" not in told

    env.write_text(env.read_text().replace("SLACK_BOT_TOKEN=", "SLACK_BOT_TOKEN=xoxb-1\nOURS=kept"))
    before = (tmp_path / "spotter.toml").read_text()
    again = at_a_terminal(
        tmp_path, (*[""] * 7, "y", "n"), "init", "--public-address", "https://spotter.example"
    )
    assert "spotter.toml is there already. Overwrite it?" in again
    assert policy.load(tmp_path / "spotter.toml") == Policy()
    assert dotenv_values(env)["AZURE_SUBSCRIPTION_ID"] == SUBSCRIPTION

    forced = ("init", "--no-input", "--force", "--public-address", "https://spotter.example")
    assert forks.run(*forced, environment={}, folder=tmp_path).returncode == 0
    told = dotenv_values(env)
    assert (told["SLACK_BOT_TOKEN"], told["OURS"], told["SLACK_SIGNING_SECRET"]) == ("xoxb-1", "kept", "")
    assert told["AZURE_DEVOPS_PROJECT"] == "Vision's project"
    assert before != (tmp_path / "spotter.toml").read_text()


def test_a_script_is_asked_nothing_and_overwrites_nothing(tmp_path: Path, forks: Forks) -> None:
    def spotter(*arguments: str) -> subprocess.CompletedProcess[str]:
        return forks.run(*arguments, environment={}, folder=tmp_path)

    wrong = spotter("init", "--no-input", "--channel", "#line-vision")
    assert wrong.returncode == 2
    assert "It is the channel's id" in " ".join(wrong.stderr.split())
    assert not list(tmp_path.iterdir())

    assert spotter("init", "--no-input", "--workspace", "caps").returncode == 0
    assert policy.load(tmp_path / "spotter.toml") == Policy()
    written = (tmp_path / ".env").read_text()
    refused = spotter("init", "--no-input", "--workspace", "other")
    assert refused.returncode == 1
    assert "--force" in refused.stderr
    assert (tmp_path / ".env").read_text() == written

    commented = (tmp_path / "spotter.toml").read_text()
    defaults = re.sub(
        r"(?m)^# (?=(view|pattern|fewest|few_|publish = \"spotter|edge|infra|branch|max_))", "", commented
    )
    assert defaults.count("\n# ") < commented.count("\n# ") - 8
    (tmp_path / "spotter.toml").write_text(defaults)
    assert policy.load(tmp_path / "spotter.toml") == Policy()
