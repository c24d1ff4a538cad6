"""Running Spotter: what is missing is named, how it stands is told, it stops when asked, and it keeps secrets."""

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from inline_snapshot import snapshot
from sqlalchemy import select

from sandbox.faults import Fault
from storage.database import Store
from storage.tables import metadata
from tests.postgresql import cluster, programs
from tests.stories.stage import Stage

__all__ = ["cluster"]


def test_missing_or_wrong_settings_are_named(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage(start=False)
    policy = stage.bot.log_file.with_name("spotter.toml")
    good = policy.read_text()

    def ends(text: str = good, **environment: str | None) -> str:
        """What the bot says when it ends because of these settings."""
        policy.write_text(text)
        changed = {**stage.bot.environment, **environment}
        kept = {name: value for name, value in changed.items() if value is not None}
        done = stage.bot.forks.run("run", environment=kept, folder=policy.parent)
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
    with urllib.request.urlopen(f"{stage.bot.url}/metrics", timeout=60) as answer:  # noqa: S310  loopback only
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


SECRETS = (
    "SLACK_BOT_TOKEN",
    "SLACK_APP_TOKEN",
    "SLACK_SIGNING_SECRET",
    "IDENTITY_HEADER",
    "HOOKS_SECRET",
    "AZURE_DEVOPS_EXT_PAT",
)
TAIL = "tail7Q9"  # is left of a secret that is struck out only where it stands without escapes
PASSWORD = f'p&ss "w/rd"\\ü+%25{TAIL}'


def test_no_secret_is_written_down(new_stage: Callable[..., Stage], request: pytest.FixtureRequest) -> None:
    stage = new_stage(start=False)
    stage.bot.environment["AZURE_DEVOPS_EXT_PAT"] = stage.world.devops.portal.pat
    if programs():  # whose addresses have passwords
        database = request.getfixturevalue("cluster").new_database()
        stage.bot.environment["DATABASE_URL"] = database.replace("@", f":{quote(PASSWORD, safe='')}@", 1)
    stage.bot.start()
    stage.knows_the_workspace()
    secrets = [stage.bot.environment[name] for name in SECRETS]
    stage.world.slack.cut_connections()
    stage.world.azure.studio.expire_tokens()
    stage.world.slack_faults.arm(Fault("POST", "chat.update", "answer"))
    repeated = [*secrets, *([PASSWORD, quote(PASSWORD), quote_plus(PASSWORD)] if programs() else [])]
    sent_back = f"You sent Bearer eyJh.eyJz.sig and {json.dumps(repeated)} and {repeated}"
    body = json.dumps({"error": {"code": "Oops", "message": sent_back}})
    for status, path in ((500, "/computes"), (400, "/labelingJobs"), (500, "/models"), (401, "/data")):
        stage.world.azure_faults.arm(Fault("GET", path, "answer", times=6, status=status, body=body))
    for _ in range(2):
        stage.world.azure.studio.fail_next_trial("CUDA out of memory")
    stage.until(lambda: stage.world.slack.connections, "the bot is connected again")
    stage.until(lambda: "[secret]" in json.dumps(stage.bot.get("/readyz")[1]), "an answer was repeated")
    told = stage.trainer.opens_home("[secret]").text
    stage.trainer.types("/train Cap_Model caps_20261102_081530 gpu-small")
    stage.line.shows("Cap_Model training: ").becomes("failed").thread_shows("Last log lines")

    with urllib.request.urlopen(f"{stage.bot.url}/metrics", timeout=30) as answer:  # noqa: S310  loopback only
        told += answer.read().decode()
    told += "".join(str(stage.bot.spotter(*said)) for said in (("doctor", "--json"), ("audit", "verify")))
    sent = b"".join(each.body for each in stage.world.slack_faults.log("POST", "/(api|response)/"))
    written = told.encode() + sent + stage.bot.log_file.read_bytes() + stored(stage.store())
    assert b"Cap_Model" in written and b"warning" in written and b"train.request" in written
    for secret in [*secrets, TAIL, "eyJ", "Bearer ", "sig=", "/response/"]:
        assert secret.encode() not in written


def stored(store: Store) -> bytes:
    """All that is in the database: its file, or what its tables hold."""
    if not store.is_shared:
        folder = Path(store.url.removeprefix("sqlite:///")).parent
        return b"".join(file.read_bytes() for file in folder.glob("spotter.db*"))
    with store.read() as tx:
        return repr([tx.execute(select(table)).all() for table in metadata.sorted_tables]).encode()
