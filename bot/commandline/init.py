"""`spotter init`"""

import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
from dotenv import dotenv_values

from bot import shapes
from bot.commandline.first_files import Answers, env_file, policy_file
from bot.env_file import ENV_FILE
from bot.shapes import Shape
from commands.kit.policy import DEFAULT, TARGET_NAME

DEVOPS = "devops-organization"
TARGET = Shape(TARGET_NAME.strip("^$"), "Small letters, digits and hyphens, such as line-1.")
Command = TypeVar("Command", bound=Callable[..., Any])


class _Shaped(click.ParamType[str]):
    """A value of some shape, or several of them with blanks or commas between; or nothing, for later."""

    def __init__(self, shape: Shape, several: bool) -> None:
        self.name = "ids" if several else "text"
        self._shape = shape
        self._several = several

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        values = str(value).replace(",", " ").split() if self._several else [str(value).strip()]
        for each in values:
            if each and not self._shape.fits(each):
                self.fail(f"{each!r} does not fit. {self._shape.hint}", param, ctx)
        return " ".join(values)


@dataclass(frozen=True)
class Question:
    """Also an option of the same name. `after` names the one without whose answer this is not asked."""

    name: str
    text: str
    shape: Shape
    default: str = ""
    several: bool = False
    after: str = ""

    @property
    def type(self) -> _Shaped:
        return _Shaped(self.shape, self.several)


QUESTIONS: Sequence[Question] = (
    Question("subscription", "Azure subscription id", shapes.SUBSCRIPTION),
    Question("resource-group", "Resource group of the workspace", shapes.RESOURCE_GROUP),
    Question("workspace", "Azure Machine Learning workspace", shapes.WORKSPACE),
    Question("channel", "Slack channel id where models are announced", shapes.CHANNEL),
    Question(
        "trainers", "Who may train, publish and deploy: user group or person ids", shapes.MEMBER, several=True
    ),
    Question("approvers", "Who may approve: user group or person ids", shapes.MEMBER, several=True),
    Question(
        "public-address",
        "Public address for HTTP mode (empty: Socket Mode, which needs none)",
        shapes.ADDRESS,
    ),
    Question(DEVOPS, "Azure DevOps organisation, https://dev.azure.com/… (empty: none)", shapes.ORGANIZATION),
    Question("devops-project", "Azure DevOps project", shapes.PROJECT, after=DEVOPS),
    Question("repository", "Its repository with these files", shapes.PROJECT, "spotter", after=DEVOPS),
    Question(
        "pictures-account", "Storage account of the captured pictures", shapes.STORAGE_ACCOUNT, after=DEVOPS
    ),
    Question(
        "targets", "Edge targets, such as line-1 line-2 (empty: none)", TARGET, several=True, after=DEVOPS
    ),
    Question("iot-hub", "IoT Hub, such as plant.azure-devices.net", shapes.HOST_NAME, after="targets"),
)


def _options(command: Command) -> Command:
    for question in reversed(QUESTIONS):
        command = click.option(f"--{question.name}", type=question.type, help=f"{question.text}.")(command)
    return command


@click.command()
@_options
@click.option("--no-input", is_flag=True, help="Ask nothing: what no option gives is left for later.")
@click.option("--force", is_flag=True, help="Overwrite what is there.")
def init(no_input: bool, force: bool, **given: str | None) -> None:
    """Write a first spotter.toml and .env, by asking little. Every question is also an option."""
    if not no_input:
        click.echo("Leave empty what you do not know yet; both files can be changed later.\n")
    answers = _ask({name.replace("_", "-"): value for name, value in given.items()}, no_input)
    may_write = _permission(no_input, force)
    secrets = {name: value for name, value in dotenv_values(ENV_FILE).items() if value}
    written = [_write(DEFAULT, policy_file(answers), 0o644)] if may_write(DEFAULT) else []
    written += [_write(ENV_FILE, env_file(answers, secrets), 0o600)] if may_write(ENV_FILE) else []
    if not written:
        sys.exit("spotter: nothing was written. --force overwrites.")
    click.echo(f"\nWritten: {' and '.join(str(path) for path in written)}.\n\n{_next(answers)}")


def _ask(given: Mapping[str, str | None], no_input: bool) -> Answers:
    answers: dict[str, str] = {}
    for question in QUESTIONS:
        answer = given[question.name]
        if answer is None and (no_input or (question.after and not answers[question.after])):
            answer = question.default
        elif answer is None:
            answer = click.prompt(
                question.text, question.default, type=question.type, show_default=bool(question.default)
            )
        answers[question.name] = answer
    return answers


def _permission(no_input: bool, force: bool) -> Callable[[Path], bool]:
    def may_write(path: Path) -> bool:
        if force or not path.exists():
            return True
        if no_input:
            click.echo(f"{path} is there already and stays as it is.")
            return False
        return click.confirm(f"{path} is there already. Overwrite it?")

    return may_write


def _write(path: Path, text: str, mode: int) -> Path:
    """All of it or nothing, and never readable for more people than it should be."""
    descriptor, name = tempfile.mkstemp(dir=path.resolve().parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    Path(name).chmod(mode)
    Path(name).replace(path)
    return path


def _next(answers: Answers) -> str:
    address = f" --request-url {answers['public-address']}/slack/events" if answers["public-address"] else ""
    steps = [
        f"spotter manifest{address}",
        "    Create the app from what it prints: api.slack.com/apps → Create New App → From a manifest.",
        "    Install it, put its secrets into .env, and type /invite @Spotter in the channel.",
        *(["spotter provision plan", "spotter provision apply"] if answers[DEVOPS] else []),
        "spotter publish-pipeline --version 1",
        "spotter doctor",
        "spotter run",
    ]
    return "\n".join(["Next:", *(f"  {step}" for step in steps)])
