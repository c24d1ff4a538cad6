"""Policy: what `spotter.toml` says. Every key has a default; an unknown key is an error that names it."""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from commands.kit.errors import UserError
from infra.training.definition import TrainingDefinition

Role = Literal["view", "train", "publish", "deploy", "approve"]

_KEY = re.compile(r"\w+")


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as broken:
        raise ValueError(f"is not a regular expression: {broken}") from broken
    return text


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Channels(Section):
    """Slack channel ids (not names)."""

    models: str | None = Field(
        None, description="where versions are announced that no training of Spotter's made"
    )


class Roles(Section):
    """Who may do what: "everyone", or a list of Slack user group ids (S…) and user ids (U…, W…)."""

    view: Literal["everyone"] | list[str] = "everyone"
    train: Literal["everyone"] | list[str] = Field(default_factory=list)
    publish: Literal["everyone"] | list[str] = Field(default_factory=list)
    deploy: Literal["everyone"] | list[str] = Field(default_factory=list)
    approve: Literal["everyone"] | list[str] = Field(default_factory=list)

    def of(self, role: Role) -> Literal["everyone"] | list[str]:
        members: Literal["everyone"] | list[str] = getattr(self, role)
        return members


class Exports(Section):
    """How labeling exports are told from other data assets, and when one is fit to train on."""

    pattern: Annotated[str, AfterValidator(_pattern)] = r"^.+_\d{8}_\d{6}$"
    fewest_images: int = Field(10, ge=1, description="AutoML refuses fewer")
    few_boxes: int = Field(15, ge=1, description="a class with fewer boxes gets a warning")


class Pace(Section):
    """Seconds between looks at the outside world."""

    runs_seconds: float = Field(15, gt=0)
    catalog_seconds: float = Field(60, gt=0)


class Pipelines(Section):
    """What the pipelines are called in Azure DevOps, and the branch they run from."""

    publish: str = "spotter-publish"
    edge: str = "spotter-edge"
    infrastructure: str = "spotter-infrastructure"
    branch: str = "main"


class Policy(Section):
    channels: Channels = Channels()
    roles: Roles = Roles()
    exports: Exports = Exports()
    pace: Pace = Pace()
    pipelines: Pipelines = Pipelines()
    training: TrainingDefinition = TrainingDefinition()


def load(path: Path) -> Policy:
    """Read the policy file; without one, the defaults (in which nobody may train). Raises UserError."""
    if not path.exists():
        return Policy()
    try:
        return Policy.model_validate(tomllib.loads(path.read_text()))
    except tomllib.TOMLDecodeError as broken:
        raise UserError(f"{path} is not valid TOML: {broken}.", "Correct that line.") from broken
    except ValidationError as wrong:
        raise UserError(
            f"{path} has settings that Spotter does not take: {_problems(wrong)}.", "Correct them."
        ) from wrong


def _problems(wrong: ValidationError) -> str:
    """Each setting by its path in the file, with what it should be."""
    told: dict[str, list[str]] = {}
    for error in wrong.errors():
        keys = [str(part) for part in error["loc"] if _KEY.fullmatch(str(part))]
        unknown = error["type"] == "extra_forbidden"
        told.setdefault(".".join(keys), []).append(
            "there is no such key" if unknown else error["msg"].lower()
        )
    return "; ".join(f"{path}: {' or '.join(reasons)}" for path, reasons in told.items())
