"""A pipeline as its YAML says it, with parameters put in: stages of jobs of steps."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Parameter:
    name: str
    type: str
    default: Any
    """None where a value must be given."""
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Filters:
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trigger:
    """Which pushes start the pipeline; `branches` None: no push does."""

    branches: Filters | None
    paths: Filters = Filters()


@dataclass(frozen=True)
class Step:
    task: str
    """`script`, `bash`, `checkout`, or a task as `AzureCLI@2`."""
    display: str
    name: str = ""
    inputs: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    condition: str = ""
    continue_on_error: bool = False
    enabled: bool = True
    timeout: int = 0
    """Minutes; 0 is without limit."""


@dataclass(frozen=True)
class Job:
    name: str
    display: str
    steps: tuple[Step, ...]
    depends_on: tuple[str, ...] = ()
    condition: str = ""
    pool: str = ""
    """Name of a pool; empty for machines of Microsoft's."""
    environment: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    timeout: int = 60
    continue_on_error: bool = False
    deployment: bool = False


@dataclass(frozen=True)
class Stage:
    name: str
    display: str
    jobs: tuple[Job, ...]
    depends_on: tuple[str, ...] = ()
    condition: str = ""
    variables: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    parameters: dict[str, Any]
    """Every declared parameter with the value of this run."""
    variables: dict[str, str]
    stages: tuple[Stage, ...]
    run_name: str = ""

    @property
    def jobs(self) -> list[Job]:
        return [job for stage in self.stages for job in stage.jobs]

    def connections(self, stage: Stage) -> set[str]:
        """Names of the service connections that steps of `stage` use."""
        named = (step.inputs.get("azureSubscription", "") for job in stage.jobs for step in job.steps)
        return {name for name in named if name}
