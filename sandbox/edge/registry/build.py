"""Builds an image from a Containerfile, without a container: files are copied, settings kept, commands passed over.

What RUN would install is what the sandbox's own Python has.
"""

import io
import json
import re
import shlex
import shutil
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
KEPT_AS_TOLD = {"USER": "User", "STOPSIGNAL": "StopSignal"}
LEFT_OUT = ("RUN", "EXPOSE", "HEALTHCHECK", "VOLUME", "SHELL")


class BuildFailed(Exception):
    """The Containerfile asks for something that is not there, or that is not understood; the message says what."""


@dataclass
class Stage:
    """What one FROM has come to: its files, and its settings as the image's `config` has them."""

    root: Path
    settings: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    runs: bool = False


@dataclass(frozen=True)
class Built:
    """An image's blobs: its settings as JSON, and its only layer."""

    config: bytes
    layer: bytes


def build(
    file: Path,
    contexts: Mapping[str, Path],
    arguments: Mapping[str, str],
    tell: Callable[[str], None] = lambda _: None,
) -> Built:
    """`contexts` are folders by name, the main one under the empty name. Raises BuildFailed."""
    with TemporaryDirectory() as folder:
        return _Build(Path(folder), contexts, arguments, tell).run(file)


class _Build:
    def __init__(
        self,
        folder: Path,
        contexts: Mapping[str, Path],
        arguments: Mapping[str, str],
        tell: Callable[[str], None],
    ) -> None:
        self._folder = folder
        self._contexts = contexts
        self._arguments = arguments
        self._tell = tell
        self._global: dict[str, str] = {}
        self._stages: dict[str, Stage] = {}

    def run(self, file: Path) -> Built:
        stage: Stage | None = None
        for word, rest in _instructions(file.read_text()):
            self._tell(f"{word} {rest}"[:120])
            if word == "FROM":
                stage = self._from(rest)
            elif word == "ARG":
                name, _, default = rest.partition("=")
                known = stage.variables if stage else self._global
                known[name] = self._arguments.get(name, self._global.get(name, _bare(default)))
            elif stage is None:
                raise BuildFailed(f"{word} stands before FROM")
            else:
                self._do(stage, word, _filled(rest, stage.variables))
        if stage is None:
            raise BuildFailed(f"{file.name} has no FROM")
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": stage.settings,
            "rootfs": {"type": "layers"},
        }
        return Built(json.dumps(config, sort_keys=True).encode(), _packed(stage.root))

    def _from(self, rest: str) -> Stage:
        words = _filled(rest, self._global).split()
        words = [word for word in words if not word.startswith("--")]
        root = self._folder / str(len(self._stages))
        root.mkdir()
        stage = Stage(root)
        if base := self._stages.get(words[0]):
            shutil.copytree(base.root, root, dirs_exist_ok=True)
            stage = Stage(root, dict(base.settings), dict(base.variables), base.runs)
        self._stages[words[2] if len(words) == 3 else str(len(self._stages))] = stage
        return stage

    def _do(self, stage: Stage, word: str, rest: str) -> None:
        if word in ("COPY", "ADD"):
            self._copy(stage, shlex.split(rest))
        elif word == "ENV":
            given = dict(pair.partition("=")[::2] for pair in shlex.split(rest))
            stage.variables |= given
            before = dict(entry.partition("=")[::2] for entry in stage.settings.get("Env", []))
            stage.settings["Env"] = [f"{name}={value}" for name, value in {**before, **given}.items()]
        elif word == "WORKDIR":
            stage.settings["WorkingDir"] = str(Path("/", stage.settings.get("WorkingDir", "/"), rest))
        elif word in ("ENTRYPOINT", "CMD"):
            command = json.loads(rest) if rest.startswith("[") else ["/bin/sh", "-c", rest]
            stage.settings["Entrypoint" if word == "ENTRYPOINT" else "Cmd"] = command
        elif word == "LABEL":
            labels = dict(pair.partition("=")[::2] for pair in shlex.split(rest))
            stage.settings["Labels"] = {**stage.settings.get("Labels", {}), **labels}
        elif word in KEPT_AS_TOLD:
            stage.settings[KEPT_AS_TOLD[word]] = rest
        elif word in LEFT_OUT:
            stage.runs |= word == "RUN"
        else:
            raise BuildFailed(f"{word} is not understood")

    def _copy(self, stage: Stage, words: list[str]) -> None:
        flags = dict(word.partition("=")[::2] for word in words if word.startswith("--"))
        *sources, target = (word for word in words if not word.startswith("--"))
        origin = flags.get("--from", "")
        made = self._stages.get(origin)
        root = made.root if made else self._contexts.get(origin)
        if root is None:
            raise BuildFailed(f"there is no stage or context {origin}")
        into = stage.root / str(Path("/", stage.settings.get("WorkingDir", "/"), target)).lstrip("/")
        for source in sources:
            found = sorted(root.glob(source.strip("/"))) if source.strip("/.") else [root]
            if not found and made and made.runs:
                self._tell(f"  {source} would come from a RUN, which the sandbox passes over")
            elif not found:
                raise BuildFailed(f"COPY {source}: there is no such file")
            for path in found:
                if path.is_dir():
                    shutil.copytree(
                        path, into, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
                    )
                else:
                    place = (
                        into / path.name if target.endswith("/") or len(found) > 1 or into.is_dir() else into
                    )
                    place.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, place)


def manifest_of(config: str, layer: str, built: Built) -> bytes:
    """The manifest of an image whose blobs have these digests."""
    told = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": CONFIG_TYPE, "digest": config, "size": len(built.config)},
        "layers": [{"mediaType": LAYER_TYPE, "digest": layer, "size": len(built.layer)}],
    }
    return json.dumps(told, sort_keys=True).encode()


def _instructions(text: str) -> list[tuple[str, str]]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    found = (line.strip().partition(" ") for line in joined.splitlines() if line.strip())
    return [(word.upper(), rest.strip()) for word, _, rest in found]


def _filled(text: str, variables: Mapping[str, str]) -> str:
    return re.sub(r"\$\{?(\w+)\}?", lambda match: variables.get(match[1], ""), text)


def _bare(text: str) -> str:
    return text.strip("\"'")


def _packed(root: Path) -> bytes:
    """A tar file that is the same for the same files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for path in sorted(root.rglob("*")):
            entry = archive.gettarinfo(path, path.relative_to(root).as_posix())
            entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname = 0, 0, 0, "", ""
            entry.mode = 0o755 if path.is_dir() else 0o644
            if path.is_file():
                with path.open("rb") as content:
                    archive.addfile(entry, content)
            else:
                archive.addfile(entry)
    return out.getvalue()
