"""Policy: what `spotter.toml` says. Every key has a default; an unknown key is an error that names it."""

import re
import tomllib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from commands.kit import freeze, schedule
from commands.kit.errors import UserError
from infra.setup.wanted import Wanted
from infra.training.definition import TrainingDefinition

Role = Literal["view", "train", "publish", "deploy", "approve"]

TARGET_NAME = r"^[a-z0-9][a-z0-9-]{0,31}$"

DEFAULT = Path("spotter.toml")
_KEY = re.compile(r"[\w-]+")


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as broken:
        raise ValueError(f"is not a regular expression: {broken}") from broken
    return text


def _rings(names: list[str]) -> list[str]:
    if not names or names[-1] != "all" or len(set(names)) != len(names):
        raise ValueError('must end with "all" and name each ring once')
    return names


def _window(text: str) -> str:
    freeze.parse(text)
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as unknown:
        raise ValueError("is not a time zone, such as Europe/Berlin") from unknown
    return name


def _schedule(text: str) -> str:
    try:
        schedule.parse(text)
    except UserError as unclear:
        raise ValueError(str(unclear)) from unclear
    return text


class Section(BaseModel):
    # one schema is built, of all sections together, when a policy is read; not one of each while the bot starts
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Channels(Section):
    """Slack channel ids (not names)."""

    models: str | None = Field(
        None, description="where versions and labeling exports are announced that nobody asked Spotter for"
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


SETTLING_LOOKS = 4


class Pace(Section):
    """Seconds between looks at the outside world."""

    runs_seconds: float = Field(15, gt=0)
    catalog_seconds: float = Field(60, gt=0)
    lease_seconds: float = Field(
        15, ge=2, description="with PostgreSQL: how long the replica that leads may be silent"
    )
    roles_seconds: float = Field(
        2,
        gt=0,
        description="how long Slack may take to say who is in a group; it waits three for an answer itself",
    )

    @property
    def settling(self) -> timedelta:
        """How long what was sent may take to show up, and what is missing may be so by a fault of the moment."""
        return timedelta(seconds=SETTLING_LOOKS * self.runs_seconds)


class Pipelines(Section):
    """What the pipelines are called in Azure DevOps, and the branch they run from."""

    publish: str = "spotter-publish"
    edge: str = "spotter-edge"
    infrastructure: str = "spotter-infrastructure"
    branch: str = "main"


Share = Annotated[float, Field(ge=0, le=1)]
Members = Annotated[list[str], Field(min_length=1)]


class Gates(Section):
    """What a model must reach before it may be approved without an override. Metrics are between 0 and 1."""

    mean_average_precision: Share | None = Field(None, description="at least this")
    precision: Share | None = None
    recall: Share | None = None
    worse_by: Share = Field(0.01, description="how much worse than the model now on the target mAP may be")


class Target(Section):
    """Edge devices that get a model together, such as those of one line; ring after ring."""

    channel: str = Field(description="where approvals are asked for and rollouts are told")
    approvers: Members | None = Field(None, description="else everybody with the role approve")
    approvals: int = Field(2, ge=1, le=10, description="as many different people")
    override: list[str] = Field(default_factory=list, description="who may approve although a gate failed")
    expires_hours: float = Field(24, gt=0, le=24 * 14)
    remind_hours: float = Field(2, gt=0, description="before a request expires")
    rings: Annotated[list[Literal["canary", "all"]], AfterValidator(_rings)] = ["canary", "all"]
    bake_minutes: float = Field(30, ge=0, description="how long the canary is watched")
    deadline_minutes: float = Field(30, gt=0, description="a device that is silent for longer has failed")
    freeze: list[Annotated[str, AfterValidator(_window)]] = Field(
        default_factory=list, description="when nothing is shipped"
    )
    time_zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    gates: Gates = Gates()

    def frozen_until(self, at: datetime) -> datetime | None:
        return freeze.frozen_until(self.freeze, at, self.time_zone)


class FirstDigest(Section):
    """A digest that is set when Spotter first sees its name here. People change, pause and remove it in Slack."""

    name: str = Field(pattern=TARGET_NAME)
    channel: str = Field(description="where it is posted")
    when: Annotated[str, AfterValidator(_schedule)] = Field(description='such as "weekdays at 8:30"')
    time_zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    quiet: bool = Field(False, description="nothing is posted when nothing has changed")
    grace_hours: float = Field(
        2, gt=0, le=24 * 7, description="how late it may still be sent after an outage"
    )


def _named_once(digests: list[FirstDigest]) -> list[FirstDigest]:
    names = [digest.name for digest in digests]
    if len(set(names)) != len(names):
        raise ValueError("must each have a name of their own")
    return digests


class Training(TrainingDefinition):
    """What is searched, and what a training may cost before its start asks for a confirmation."""

    budget: float | None = Field(None, ge=0, description="in the currency of `[prices]`")


class Prices(BaseModel):
    """What a node costs an hour, by VM size as Azure writes it; upper and lower case are the same."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)
    __pydantic_extra__: dict[str, Annotated[float, Field(ge=0)]]
    currency: str = Field("USD", pattern=r"^[A-Z]{3}$")

    def of(self, vm_size: str) -> float | None:
        prices = {size.lower(): price for size, price in (self.__pydantic_extra__ or {}).items()}
        return prices.get(vm_size.lower())


class Policy(Section):
    channels: Channels = Channels()
    roles: Roles = Roles()
    exports: Exports = Exports()
    pace: Pace = Pace()
    pipelines: Pipelines = Pipelines()
    training: Training = Training()
    prices: Prices = Prices()
    provision: Wanted | None = None
    targets: dict[Annotated[str, Field(pattern=TARGET_NAME)], Target] = Field(default_factory=dict)
    digests: Annotated[list[FirstDigest], AfterValidator(_named_once)] = Field(default_factory=list)


def load(path: Path | None) -> Policy:
    """Read the policy file: `path`, which must be there, else `spotter.toml` where there is one. Raises UserError.

    Without a file everything has its default, and nobody may train.
    """
    if path is None and not DEFAULT.exists():
        return Policy()
    path = path or DEFAULT
    if not path.is_file():
        raise UserError(
            f"There is no policy file {path}.",
            "Name the right one in SPOTTER_CONFIG, or write one: `spotter init`.",
        )
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
