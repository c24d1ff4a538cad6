"""One git repository: branches of commits, each commit with its files as a folder."""

import hashlib
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sandbox.azure.times import now
from sandbox.devops.identities import Identity

NOT_PUSHED = shutil.ignore_patterns(".*", "__pycache__", "node_modules", "*.egg-info")


@dataclass(frozen=True)
class Commit:
    id: str
    parent: str | None
    author: Identity
    at: datetime
    message: str
    folder: Path
    files: dict[str, str]
    """Path below the root, with slashes → blob id."""

    def changed(self, before: "Commit | None") -> set[str]:
        """Paths that were added, changed or removed since `before`."""
        return {path for path, _ in self.files.items() ^ (before.files if before else {}).items()}


class Repository:
    def __init__(self, folder: Path, identity: str, name: str) -> None:
        self.id = identity
        self.name = name
        self.branches: dict[str, Commit] = {}
        self.commits: dict[str, Commit] = {}
        self._folder = folder
        self.default_branch = "refs/heads/main"

    def push(self, branch: str, source: Path, message: str, author: Identity) -> Commit:
        """Makes `source` (without hidden files and caches) the newest commit of `branch`, such as `main`."""
        ref = full_ref(branch)
        before = self.branches.get(ref)
        at = now()
        staged = self._folder / f"staged-{len(self.commits)}"
        shutil.copytree(source, staged, ignore=NOT_PUSHED)
        files = {
            path.relative_to(staged).as_posix(): _blob(path)
            for path in sorted(staged.rglob("*"))
            if path.is_file()
        }
        header = f"{sorted(files.items())} {before.id if before else ''} {author.unique} {at} {message}"
        identity = hashlib.sha1(header.encode(), usedforsecurity=False).hexdigest()
        folder = staged.rename(self._folder / identity)
        commit = Commit(identity, before.id if before else None, author, at, message, folder, files)
        self.commits[identity] = commit
        self.branches[ref] = commit
        return commit

    def branch_from(self, branch: str, commit: Commit) -> None:
        self.branches[full_ref(branch)] = commit

    def history(self, commit: Commit) -> list[Commit]:
        """Newest first."""
        found: list[Commit] = []
        following: Commit | None = commit
        while following is not None:
            found.append(following)
            following = self.commits.get(following.parent or "")
        return found


def full_ref(branch: str) -> str:
    return branch if branch.startswith("refs/") else f"refs/heads/{branch}"


def _blob(path: Path) -> str:
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
