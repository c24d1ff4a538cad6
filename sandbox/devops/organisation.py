"""All that the organisation holds: one project with one repository, its pipelines, runs and resources."""

import asyncio
import uuid
from itertools import count
from pathlib import Path
from typing import Any

from sandbox.azure.tokens import Tokens
from sandbox.devops.approvals import Approval
from sandbox.devops.builds import Build, Pipeline
from sandbox.devops.engine.agents import Agent, AgentPool
from sandbox.devops.engine.bell import Bell
from sandbox.devops.identities import Access
from sandbox.devops.pace import Pace
from sandbox.devops.protected import Resources
from sandbox.devops.repository import Repository

NAME = "bottling"
PROJECT = "Vision"
REPOSITORY = "vision"
HOSTED_AGENTS = 2
BUILDS_BEFORE = 40  # the organisation counts the builds of all its projects


def _id_of(what: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"devops/{NAME}/{what}"))


class Organisation:
    def __init__(self, root: Path, tokens: Tokens | None, pace: Pace) -> None:
        self.root = root
        self.pace = pace
        self.base_url = ""
        """With the organisation's name, without a slash at its end; known once the twin has started."""
        self.id = _id_of("collection")
        self.project_id = _id_of("project")
        self.access = Access(tokens)
        repository = root / "repository"
        repository.mkdir(parents=True, exist_ok=True)
        self.repository = Repository(repository, _id_of("repository"), REPOSITORY)
        self.pipelines: dict[int, Pipeline] = {}
        self.builds: dict[int, Build] = {}
        self.build_ids = count(BUILDS_BEFORE + 1)
        self.pipeline_ids = count(1)
        self.pools = [
            AgentPool(
                9,
                "Azure Pipelines",
                True,
                [Agent(number, f"Hosted Agent {number}") for number in range(1, HOSTED_AGENTS + 1)],
            )
        ]
        self.resources = Resources(self.pools)
        self.approvals: dict[str, Approval] = {}
        self.verdicts: dict[tuple[str, str], asyncio.Future[bool]] = {}
        """What calls of checks wait for, by ids of plan and job."""
        self.bell = Bell()
        """Rung when something that a stage may wait for has changed."""

    @property
    def project_url(self) -> str:
        return f"{self.base_url}/{self.project_id}"

    def project_ref(self) -> dict[str, Any]:
        return {
            "id": self.project_id,
            "name": PROJECT,
            "url": f"{self.base_url}/_apis/projects/{self.project_id}",
            "state": "wellFormed",
            "revision": 1,
            "visibility": "private",
        }

    def build_url(self, build: Build) -> str:
        return f"{self.project_url}/_apis/build/Builds/{build.id}"

    def page_of(self, build: Build) -> str:
        """Where a person reads about the run."""
        return f"{self.base_url}/{PROJECT}/_build/results?buildId={build.id}"

    def pool(self, name: str) -> AgentPool | None:
        """A pool by name; an empty name is for machines of Microsoft's."""
        wanted = name.lower() or self.pools[0].name.lower()
        return next((pool for pool in self.pools if pool.name.lower() == wanted), None)
