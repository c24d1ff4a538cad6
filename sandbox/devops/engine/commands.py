"""Lines by which a step speaks to its agent: `##vso[task.setvariable variable=name]value` and its kin."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.devops.builds import Build
from sandbox.devops.engine.variables import Variables
from sandbox.devops.timeline import Record

_COMMAND = re.compile(r"##vso\[([\w.]+)\s*([^\]]*)\](.*)")


@dataclass
class StepTalk:
    """Hears the lines of one step, writes its log, and does what it says."""

    build: Build
    record: Record
    write: Callable[[str], None]
    variables: Variables
    paths: list[str]
    step_name: str = ""
    result: str | None = None
    fresh: list[tuple[str, str, bool]] = field(default_factory=list)
    """Variables for the steps after this one: name, value, secret."""

    def hear(self, line: str) -> None:
        match = _COMMAND.match(line)
        if match is None:
            self.write(line)
            return
        given = dict(part.split("=", 1) for part in match[2].split(";") if "=" in part)
        properties = {key.strip().lower(): value for key, value in given.items()}
        self._do(match[1].lower(), properties, match[3], line)

    def _do(self, command: str, given: dict[str, str], text: str, line: str) -> None:
        if command == "task.setvariable" and "variable" in given:
            prefix = f"{self.step_name}." if given.get("isoutput", "").lower() == "true" else ""
            secret = given.get("issecret", "").lower() == "true"
            self.fresh.append((prefix + given["variable"], text, secret))
            if secret:
                self.variables.set(given["variable"], text, secret=True)
        elif command == "task.logissue":
            kind = "warning" if given.get("type") == "warning" else "error"
            self.record.issue(kind, text)
            self.write(f"##[{kind}]{text}")
        elif command == "task.complete":
            results = {"failed": "failed", "succeededwithissues": "succeededWithIssues"}
            self.result = results.get(given.get("result", "").lower(), "succeeded")
        elif command == "task.setprogress":
            self.record.percent = int(given.get("value") or 0)
        elif command == "task.prependpath":
            self.paths.insert(0, text)
        elif command == "build.addbuildtag" and text:
            if text not in self.build.tags:
                self.build.tags.append(text)
        elif command == "build.updatebuildnumber" and text:
            self.build.number = text
        else:
            self.write(
                f"##[warning]Unable to process command '{line}' successfully. The sandbox does not serve it."
            )
