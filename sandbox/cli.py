"""`spotter-sandbox`: the outside world on this machine, and the production bot beside it."""

import json
import os
import shutil
import signal
import sys
import webbrowser
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

import click

from sandbox.azure.pace import Pace
from sandbox.claim import claimed, listening
from sandbox.devops.pace import Pace as DevOpsPace
from sandbox.environment import bot_environment
from sandbox.spotter import Spotter
from sandbox.world import World

POLICY = Path(__file__).parent / "spotter.toml"
COMMAND = "spotter"
LABELING = 15.0  # seconds for each picture that people label
MINUTE = 6.0  # seconds, of what Azure DevOps counts in minutes; a refused run has ten to wait


@click.command()
@click.option(
    "--port",
    default=8100,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Where the page is served; 0 for any free port.",
)
@click.option(
    "--root", default=".sandbox", show_default=True, type=click.Path(path_type=Path), help="Working files."
)
def main(port: int, root: Path) -> None:
    """Start the sandbox: a Slack-like page, Azure ML, a bottling line, and Spotter."""
    for name in (
        signal.SIGTERM,
        signal.SIGHUP,
        signal.SIGINT,
    ):  # SIGINT is ignored by default where a shell put us in the background
        signal.signal(name, _interrupt)
    with ExitStack() as until_the_end:
        try:
            claim = until_the_end.enter_context(claimed(root))
            page = until_the_end.enter_context(listening(port, root))
            click.echo("Starting Slack, Azure Machine Learning and the bottling line …")
            folder = _emptied(root.resolve() / "state")
            world = World(
                folder,
                pace=Pace(labeling=LABELING),
                devops_pace=DevOpsPace(minute=MINUTE),
                cache=root.resolve() / "compiled",
            )
            until_the_end.callback(world.stop)
            world.start(page)
            claim.tell(world.slack.url)
            environment = bot_environment(world, folder, POLICY)
            spotter = Spotter(environment, folder)
            until_the_end.callback(spotter.end)
            until_the_end.callback(signal.signal, signal.SIGINT, signal.SIG_IGN)
            _furnish(world, spotter, environment)
            spotter.write_command(root / COMMAND)
            _welcome(world.slack.url, spotter.start(world.was_read), root / COMMAND)
            spotter.keep_alive()
        except KeyboardInterrupt:
            click.echo("\nStopping …")


def _emptied(folder: Path) -> Path:
    """Every sandbox begins anew; only what was compiled for the trainer is kept."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def _furnish(world: World, spotter: Spotter, environment: Mapping[str, str]) -> None:
    """All that the bot finds when it first looks: pipelines, labeling exports, the app in Slack."""
    with ThreadPoolExecutor() as pool:
        manifest = pool.submit(spotter.call, "manifest")
        published = pool.submit(spotter.call, "publish-pipeline", "--version", "1", "--config", str(POLICY))
        try:
            world.seed()
            world.connect(POLICY)
            world.guard(f"http://127.0.0.1:{environment['PORT']}", environment["HOOKS_SECRET"])
            world.slack.install(json.loads(manifest.result()))
            published.result()
        except BaseException:
            spotter.end()  # else the pool waits for them
            raise


def _welcome(url: str, process: int, command: Path) -> None:
    click.echo(f"\n  Spotter's sandbox is ready:  {url}\n")
    click.echo("  You are the trainer. Type /train in #line-vision. Stop with Ctrl-C.")
    click.echo(f"  What it does to Azure and the lines is seen at {url}/plant")
    click.echo(f"  Its command line is {command}: try {command} provision plan, or {command} doctor.")
    click.echo(f"  Spotter is process {process}: kill it, and see it come back to where it was.")
    on_a_desktop = sys.platform == "darwin" or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
    if sys.stdout.isatty() and on_a_desktop:
        webbrowser.open(url)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
