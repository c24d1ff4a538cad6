"""What people do in the portals, each as the person they are there. `given` is what the page sends."""

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.azure.errors import ServiceError
from sandbox.devops.approvals import Approval
from sandbox.devops.builds import Build
from sandbox.devops.organisation import Organisation
from sandbox.devops.portal import Portal
from sandbox.devops.repository import Commit, full_ref
from sandbox.devops.twin import DevOpsTwin
from sandbox.plant.people import NAMES, RefusedError, member

Json = dict[str, Any]
LONGEST_FILE = 200_000


class Acts:
    """Each raises RefusedError with the service's own words, and KeyError where `given` lacks something."""

    def __init__(self, devops: DevOpsTwin) -> None:
        self._organisation: Organisation = devops.organisation
        self._portal: Portal = devops.portal

    def do(self, act: str, user: str, given: Json) -> Json:
        known: dict[str, Callable[[str, Json], Json]] = {
            "run": self._run,
            "cancel": self._cancel,
            "permit": self._permit,
            "approve": self._approve,
            "reject": self._reject,
            "push": self._push,
        }
        if act not in known:
            raise RefusedError(f"Nobody can {act} here.")
        try:
            return known[act](user, given)
        except ServiceError as refused:
            raise RefusedError(_words(refused).replace(member(user).name, NAMES[user])) from None

    def _run(self, user: str, given: Json) -> Json:
        parameters = {str(name): str(value) for name, value in (given.get("parameters") or {}).items()}
        build = self._portal.run_pipeline(
            given["pipeline"], given.get("branch") or "main", parameters, by=member(user)
        )
        return {"run": build.id}

    def _cancel(self, user: str, given: Json) -> Json:
        member(user)
        self._portal.cancel(self._build(given))
        return {}

    def _permit(self, user: str, given: Json) -> Json:
        build = self._build(given)
        self._portal.permit(given["kind"], given["name"], build.pipeline.name, by=member(user))
        return {}

    def _approve(self, user: str, given: Json) -> Json:
        self._portal.approve(self._approval(given), member(user), given.get("comment") or "")
        return {}

    def _reject(self, user: str, given: Json) -> Json:
        self._portal.reject(self._approval(given), member(user), given.get("comment") or "")
        return {}

    def _push(self, user: str, given: Json) -> Json:
        """One changed file on top of a branch."""
        branch, path, text = given["branch"], given["path"], given["text"]
        author, commit = member(user), self._newest(branch)
        if path not in commit.files:
            raise RefusedError(f"There is no file {path} on {branch}.")
        if (commit.folder / path).read_text() == text:
            raise RefusedError("Nothing has changed: edit the file first.")
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made) / "files"
            shutil.copytree(commit.folder, folder)
            (folder / path).write_text(text)
            message = str(given.get("message") or "").strip() or f"Update {Path(path).name}"
            pushed = self._portal.push(branch, folder, message, author)
        return {"commit": pushed.id[:8]}

    def files(self, branch: str) -> list[str]:
        """Text files of the branch that a person may edit."""
        commit = self._newest(branch)
        return sorted(path for path in commit.files if _is_text(commit.folder / path))

    def read(self, branch: str, path: str) -> str:
        commit = self._newest(branch)
        if path not in commit.files:
            raise RefusedError(f"There is no file {path} on {branch}.")
        return (commit.folder / path).read_text()

    def _newest(self, branch: str) -> Commit:
        commit = self._organisation.repository.branches.get(full_ref(branch))
        if commit is None:
            raise RefusedError(f"There is no branch {branch}.")
        return commit

    def _build(self, given: Json) -> Build:
        build = self._organisation.builds.get(int(given["run"]))
        if build is None:
            raise RefusedError("This run is no longer there.")
        return build

    def _approval(self, given: Json) -> Approval:
        approval = self._organisation.approvals.get(given["approval"])
        if approval is None:
            raise RefusedError("This approval is no longer asked for.")
        return approval


def _is_text(file: Path) -> bool:
    if file.stat().st_size > LONGEST_FILE:
        return False
    try:
        file.read_text()
    except UnicodeDecodeError:
        return False
    return True


def _words(refused: ServiceError) -> str:
    """What the service says, with its details where clients look for them."""
    said = json.loads(refused.text or "{}")
    details = (said.get("customProperties") or {}).get("ValidationResults") or []
    return " ".join(str(detail["message"]) for detail in details) or str(
        said.get("message") or refused.reason
    )
