"""The `spotter` command line. Each command stands in a module of `bot/commandline/`, imported when it is asked for."""

import click

from bot import env_file
from bot.loading import load

COMMANDS = {
    "init": "init:init",
    "doctor": "doctor:doctor",
    "run": "run:run",
    "publish-pipeline": "publish_pipeline:publish_pipeline",
    "manifest": "manifest:show_manifest",
    "provision": "provision:provision",
    "audit": "audit:audit_group",
}


class _ImportedWhenAsked(click.Group):
    """So that no command pays for what another one needs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = load(f"bot.commandline.{COMMANDS[cmd_name]}")
        return command


@click.group(cls=_ImportedWhenAsked)
def main() -> None:
    """Train object-detection models from Slack. Settings come from the environment and from .env in this folder."""
    env_file.take_in()


if __name__ == "__main__":
    main()
