"""Running Spotter: what is missing is named, how it stands is told, it stops when asked, and it keeps secrets."""

import subprocess
import sys
import urllib.request
from collections.abc import Callable

from inline_snapshot import snapshot

from sandbox.faults import Fault
from tests.stories.stage import Stage


def test_missing_or_wrong_settings_are_named(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage(start=False)
    policy = stage.bot.log_file.with_name("spotter.toml")
    good = policy.read_text()

    def ends(text: str = good, **environment: str | None) -> str:
        """What the bot says when it ends because of these settings."""
        policy.write_text(text)
        changed = {**stage.bot.environment, **environment}
        kept = {name: value for name, value in changed.items() if value is not None}
        done = subprocess.run(
            [sys.executable, "-m", "bot.cli", "run"],
            env=kept,
            cwd=policy.parent,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 1
        return done.stderr.replace(str(policy), "spotter.toml").strip()

    assert [
        ends(SLACK_BOT_TOKEN=None, AZUREML_WORKSPACE_NAME=None, PORT="eighty"),
        ends(SLACK_APP_TOKEN=None, SLACK_SIGNING_SECRET=None),
        ends(good.replace("runs_seconds", "run_seconds").replace('["S0TRAINERS"]', '"trainers"', 1)),
        ends(good.replace("[roles]", "[roles")),
    ] == snapshot(
        [
            "spotter: These settings are missing or wrong: SLACK_BOT_TOKEN (field required), AZUREML_WORKSPACE_NAME (field required), PORT (input should be a valid integer, unable to parse string as an integer). Set them in the environment or in .env.",
            "spotter: Neither SLACK_APP_TOKEN nor SLACK_SIGNING_SECRET is set. Set the first for Socket Mode, the second for HTTP mode.",
            "spotter: spotter.toml has settings that Spotter does not take: roles.train: input should be 'everyone' or input should be a valid list; pace.run_seconds: there is no such key. Correct them.",
            "spotter: spotter.toml is not valid TOML: Expected ']' at the end of a table declaration (at line 6, column 7). Correct that line.",
        ]
    )


def test_health_readiness_metrics_and_a_graceful_end(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage(forked=False)
    assert stage.bot.get("/healthz") == (200, {"ok": True})
    assert stage.bot.get("/readyz") == (200, {"ready": True, "leads": True, "degraded": []})
    stage.world.azure.studio.set_capacity("gpu-small", available=False)
    stage.trainer.types("/train Cap_Model caps_20261102_081530 gpu-small")
    card = stage.line.shows("Cap_Model training: ").becomes("no free")
    with urllib.request.urlopen(f"{stage.bot.url}/metrics", timeout=5) as answer:  # noqa: S310  loopback only
        told = answer.read().decode()
    assert 'spotter_slack_messages_total{kind="post",outcome="ok"} 1.0' in told
    assert 'spotter_follower_steps_total{follower="training runs",outcome="ok"}' in told

    assert stage.bot.stop() == 0
    assert [line["event"] for line in stage.bot.log()][-2:] == ["stopping", "stopped"]
    stage.world.azure.studio.set_capacity("gpu-small", available=True)
    for _ in range(2):
        stage.world.azure.studio.fail_next_trial("CUDA out of memory")
    stage.bot.start()
    card.becomes("training failed")
    assert len(stage.line.messages()) == 1


def test_no_secret_is_written_down(stage: Stage) -> None:
    stage.world.slack.cut_connections()
    stage.world.azure.studio.expire_tokens()
    stage.world.slack_faults.arm(Fault("POST", "chat.update", "answer"))
    for _ in range(2):
        stage.world.azure.studio.fail_next_trial("CUDA out of memory")
    stage.until(lambda: stage.world.slack.connections, "the bot is connected again")
    stage.trainer.types("/train Cap_Model caps_20261102_081530 gpu-small")
    stage.line.shows("Cap_Model training: ").becomes("failed").thread_shows("Last log lines")

    written = b"".join(file.read_bytes() for file in stage.bot.log_file.parent.glob("spotter*"))
    assert b"Cap_Model" in written and b"warning" in written
    secrets = [
        value
        for name, value in stage.bot.environment.items()
        if name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "IDENTITY_HEADER")
    ]
    assert len(secrets) == 4
    for secret in [*secrets, "eyJ", "Bearer ", "sig=", "/response/"]:
        assert secret.encode() not in written
