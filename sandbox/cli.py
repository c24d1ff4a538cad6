"""`spotter-sandbox`: the outside world on this machine, and the production bot beside it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from pathlib import Path
from types import FrameType

import click

from sandbox.world import World

POLICY = Path(__file__).parent / "spotter.toml"
STARTS_WITHIN = 60


@click.command()
@click.option("--port", default=8100, show_default=True, help="Where the page is served.")
@click.option(
    "--root", default=".sandbox", show_default=True, type=click.Path(path_type=Path), help="Working files."
)
def main(port: int, root: Path) -> None:
    """Start the sandbox: a Slack-like page, Azure ML, a bottling line, and Spotter."""
    _forget(root)
    click.echo("Starting Slack, Azure Machine Learning and the bottling line …")
    world = World(root.resolve(), cache=root.resolve() / "compiled")
    try:
        world.start(slack_port=port)
    except OSError as taken:
        sys.exit(
            f"Port {port} cannot be used ({taken.strerror}). Choose another: make sandbox ARGS='--port 8101'"
        )
    processes: list[subprocess.Popen[bytes]] = []
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        environment = {**os.environ, **world.env(), **_bot_settings(root.resolve())}
        publishing = subprocess.Popen(
            _spotter("publish-pipeline", "--version", "1", "--config", str(POLICY)),
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=(root / "publish.log").open("wb"),
        )
        processes.append(publishing)
        world.seed()
        world.slack.install(_manifest(environment))
        bot = subprocess.Popen(_spotter("run"), env=environment, stderr=(root / "spotter.log").open("wb"))
        processes.append(bot)
        _wait_until_ready(environment["PORT"], bot, root)
        if publishing.wait() != 0:
            sys.exit(f"The training pipeline could not be published; see {root / 'publish.log'}.")
        click.echo(f"\n  Spotter's sandbox is ready:  {world.slack.url}\n")
        click.echo("  You are the trainer. Type /train in #line-vision. Stop with Ctrl-C.")
        if _has_a_screen():
            webbrowser.open(world.slack.url)
        sys.exit(f"Spotter stopped with code {bot.wait()}; see {root / 'spotter.log'}.")
    except KeyboardInterrupt:
        click.echo("\nStopping …")
    finally:
        _end(processes)
        world.stop()


def _forget(root: Path) -> None:
    """Every sandbox begins anew; only what was compiled for the trainer is kept."""
    root.mkdir(parents=True, exist_ok=True)
    for entry in root.iterdir():
        if entry.name == "compiled":
            continue
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _bot_settings(root: Path) -> dict[str, str]:
    return {
        "DATABASE_URL": f"sqlite:///{root / 'spotter.db'}",
        "SPOTTER_CONFIG": str(POLICY),
        "PORT": str(_free_port()),
    }


def _spotter(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "bot.cli", *arguments]


def _manifest(environment: dict[str, str]) -> dict[str, object]:
    printed = subprocess.run(_spotter("manifest"), env=environment, check=True, capture_output=True).stdout
    manifest: dict[str, object] = json.loads(printed)
    return manifest


def _wait_until_ready(port: str, bot: subprocess.Popen[bytes], root: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline:
        if bot.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    log = (root / "spotter.log").read_text(errors="replace")[-2000:]
    sys.exit(f"Spotter did not become ready. Its log ends with:\n{log}")


def _has_a_screen() -> bool:
    on_a_desktop = sys.platform == "darwin" or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
    return sys.stdout.isatty() and on_a_desktop


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        if process.poll() is None:
            process.terminate()
    for process in processes:
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
