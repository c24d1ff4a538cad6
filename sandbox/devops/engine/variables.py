"""Variables of a run: the predefined ones, macros as `$(Build.BuildId)`, and how a process gets them."""

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from sandbox.devops.builds import Build, Pipeline
from sandbox.devops.identities import Identity
from sandbox.devops.organisation import PROJECT, Organisation
from sandbox.devops.repository import Commit

_MACRO = re.compile(r"\$\(([\w. -]+)\)")
DEEPEST = 10


class Variables:
    """Names are found in any case, as in Azure Pipelines."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values: dict[str, tuple[str, str]] = {}
        self.secrets: set[str] = set()
        self.update(values)

    def update(self, values: Mapping[str, str]) -> None:
        for name, value in values.items():
            self.set(name, value)

    def set(self, name: str, value: str, *, secret: bool = False) -> None:
        self._values[name.lower()] = (name, value)
        if secret:
            self.secrets.add(name.lower())

    def get(self, name: str) -> str | None:
        found = self._values.get(name.lower())
        return self.fill(found[1]) if found else None

    def plain(self) -> dict[str, str]:
        return {name: self.fill(value) for name, value in self._values.values()}

    def fill(self, text: str, depth: int = 0) -> str:
        """Values may speak of variables that are set later. A macro of an unknown variable stays as it is written."""

        def value(match: re.Match[str]) -> str:
            found = self._values.get(match[1].lower())
            return match[0] if found is None or depth >= DEEPEST else self.fill(found[1], depth + 1)

        return _MACRO.sub(value, text)

    def environment(self) -> dict[str, str]:
        """As processes get them: upper case, dots as underscores; secrets are left out."""
        return {
            re.sub(r"[. ]", "_", name).upper(): self.fill(value)
            for key, (name, value) in self._values.items()
            if key not in self.secrets
        }

    def mask(self, text: str) -> str:
        for key in self.secrets:
            if secret := self._values[key][1]:
                text = text.replace(secret, "***")
        return text


def known_when_queued(
    organisation: Organisation, pipeline: Pipeline, branch: str, commit: Commit, reason: str, by: Identity
) -> dict[str, str]:
    """Those that `${{ variables['…'] }}` may read."""
    url = f"{organisation.base_url}/"
    repository = organisation.repository
    return {
        "Build.DefinitionName": pipeline.name,
        "Build.QueuedBy": by.name,
        "Build.QueuedById": by.id,
        "Build.Reason": {"individualCI": "IndividualCI", "manual": "Manual"}.get(reason, reason),
        "Build.Repository.ID": repository.id,
        "Build.Repository.Name": repository.name,
        "Build.Repository.Provider": "TfsGit",
        "Build.Repository.Uri": f"{url}{PROJECT}/_git/{repository.name}",
        "Build.RequestedFor": by.name,
        "Build.RequestedForId": by.id,
        "Build.SourceBranch": branch,
        "Build.SourceBranchName": branch.rpartition("/")[2],
        "Build.SourceVersion": commit.id,
        "Build.SourceVersionMessage": commit.message.partition("\n")[0],
        "System.CollectionId": organisation.id,
        "System.CollectionUri": url,
        "System.TeamFoundationCollectionUri": url,
        "System.DefinitionId": str(pipeline.id),
        "System.HostType": "build",
        "System.TeamProject": PROJECT,
        "System.TeamProjectId": organisation.project_id,
    }


def of_build(organisation: Organisation, build: Build) -> dict[str, str]:
    queued = known_when_queued(
        organisation, build.pipeline, build.branch, build.commit, build.reason, build.requested_for
    )
    return {
        **queued,
        "Build.BuildId": str(build.id),
        "Build.BuildNumber": build.number,
        "Build.BuildUri": f"vstfs:///Build/Build/{build.id}",
        "Build.DefinitionVersion": str(build.pipeline.revision),
        "System.PlanId": build.plan_id,
        "System.TimelineId": build.plan_id,
        "TF_BUILD": "True",
    }


def of_folders(work: Path) -> dict[str, str]:
    """`work` is the folder of one job, with the sources in `s`."""
    return {
        "Agent.BuildDirectory": str(work),
        "Agent.HomeDirectory": str(work.parent),
        "Agent.TempDirectory": str(work / "_temp"),
        "Agent.WorkFolder": str(work.parent),
        "Build.ArtifactStagingDirectory": str(work / "a"),
        "Build.BinariesDirectory": str(work / "b"),
        "Build.SourcesDirectory": str(work / "s"),
        "Build.StagingDirectory": str(work / "a"),
        "Pipeline.Workspace": str(work),
        "System.ArtifactsDirectory": str(work / "a"),
        "System.DefaultWorkingDirectory": str(work / "s"),
    }


_FORMAT = re.compile(r"\$\((date:([^)]*)|rev:(\.?r+)|[\w.]+)\)", re.IGNORECASE)
_DATES = {"yyyy": "%Y", "yy": "%y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}


def run_number(pattern: str, variables: Variables, at: datetime, taken: set[str]) -> str:
    """A run's name from `name:`, by default `$(Date:yyyyMMdd).$(Rev:r)`; the revision makes it new."""
    revision = 0
    while True:
        revision += 1

        def part(match: re.Match[str], revision: int = revision) -> str:
            if match[2] is not None:
                return at.strftime(re.sub("yyyy|yy|MM|dd|HH|mm|ss", lambda m: _DATES[m[0]], match[2]))
            if match[3] is not None:
                dot = "." if match[3].startswith(".") else ""
                return dot + str(revision).zfill(len(match[3].lstrip(".")))
            return variables.get(match[1]) or match[0]

        name = _FORMAT.sub(part, pattern or "$(Date:yyyyMMdd).$(Rev:r)")
        if name not in taken or "rev:" not in (pattern or "rev:").lower():
            return name
