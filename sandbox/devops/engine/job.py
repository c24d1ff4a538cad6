"""One job on one agent: its folder, its steps as processes, its result."""

import asyncio
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from sandbox.devops.builds import Build
from sandbox.devops.engine.cancel import Canceled, Cancellation
from sandbox.devops.engine.commands import StepTalk
from sandbox.devops.engine.conditions import holds
from sandbox.devops.engine.process import StepProcess
from sandbox.devops.engine.python import WITHOUT_NETWORK, own_python
from sandbox.devops.engine.variables import Variables
from sandbox.devops.organisation import REPOSITORY
from sandbox.devops.pace import Pace
from sandbox.devops.pipeline.definition import Job, Step
from sandbox.devops.pipeline.expressions import ExpressionError
from sandbox.devops.timeline import Log, Record

OF_AN_IDENTITY = ("IDENTITY_", "MSI_", "AZURE_CLIENT_", "AZURE_FEDERATED_")
STATUS = {"succeeded": "Succeeded", "succeededWithIssues": "SucceededWithIssues", "failed": "Failed"}


class JobRun:
    """`outside` are variables of the twin's owner. Those that give an identity reach only steps with a service
    connection: an agent has none of its own.
    """

    def __init__(
        self,
        build: Build,
        job: Job,
        record: Record,
        variables: Variables,
        outside: Mapping[str, str],
        folder: Path,
        pace: Pace,
        cancellation: Cancellation,
    ) -> None:
        self._build = build
        self._job = job
        self._record = record
        self._variables = variables
        self._outside = outside
        self._folder = folder
        self._pace = pace
        self._cancellation = cancellation
        self._log = build.new_log()
        self._paths: list[str] = []
        self._result = "succeeded"

    async def run(self) -> str:
        """The job's result, once its steps have ended."""
        for name in ("s", "a", "b", "_temp"):
            (self._folder / name).mkdir(parents=True)
        own_python(self._folder / "_python")
        try:
            async with asyncio.timeout(self._job.timeout * self._pace.minute or None):
                await self._steps()
        except TimeoutError:
            minutes = self._job.timeout
            self._record.issue(
                "error",
                f"The job running on agent {self._record.worker} ran longer than the maximum time of {minutes} "
                "minutes. For more information, see https://go.microsoft.com/fwlink/?linkid=2077134",
            )
            self._result = "canceled"
        finally:
            for below in self._build.records:
                if below.parent is self._record:
                    below.end("canceled")
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
        return self._result

    async def _steps(self) -> None:
        self._record.log = self._log
        planned = [(step, self._planned(step, order)) for order, step in enumerate(self._job.steps, 2)]
        first = self._build.add(Record("Task", "Initialize job", parent=self._record, order=1))
        self._bracket(first, lambda write: write(f"Agent name: '{self._record.worker}'"))
        for step, record in planned:
            await self._one(step, record)
        last = Record("Task", "Finalize Job", parent=self._record, order=len(planned) + 2)
        self._build.add(last)
        self._bracket(last, lambda write: write("Cleaning up task key"))

    def _planned(self, step: Step, order: int) -> Record:
        branch = self._build.branch.rpartition("/")[2]
        checked_out = step.task == "checkout" and step.display == "Checkout"
        name = f"Checkout {REPOSITORY}@{branch} to s" if checked_out else self._variables.fill(step.display)
        task = {"script": "CmdLine@2", "bash": "Bash@3"}.get(step.task, step.task)
        return self._build.add(
            Record(
                "Task", name, step.name or None, self._record, order, task="" if task == "checkout" else task
            )
        )

    def _bracket(self, record: Record, work: Callable[[Callable[[str], None]], None]) -> None:
        """A step of the agent's own."""
        record.log = self._build.new_log()
        record.begin()
        write = self._writer(record.log)
        write(f"##[section]Starting: {record.name}")
        work(write)
        write(f"##[section]Finishing: {record.name}")
        record.end("succeeded")

    def _writer(self, log: Log) -> Callable[[str], None]:
        def write(text: str) -> None:
            masked = self._variables.mask(text)
            log.write(masked)
            self._log.write(masked)

        return write

    async def _one(self, step: Step, record: Record) -> None:
        status = "Canceled" if self._cancellation.asked else STATUS.get(self._result, "Failed")
        self._variables.set("Agent.JobStatus", status)
        try:
            wanted = step.enabled and holds(
                step.condition, [self._result], self._cancellation.asked, self._variables
            )
        except ExpressionError as wrong:
            record.issue("error", str(wrong))
            wanted = False
            self._result = "failed"
        if not wanted:
            record.end("skipped")
            return
        record.log = self._build.new_log()
        record.begin()
        write = self._writer(record.log)
        write(f"##[section]Starting: {record.name}")
        try:
            result = await self._work(step, record, write)
        except Canceled:
            write("##[error]The operation was canceled.")
            record.issue("error", "The operation was canceled.")
            result = "canceled"
        write(f"##[section]Finishing: {record.name}")
        if result == "failed" and step.continue_on_error:
            result = "succeededWithIssues"
        record.end(result)
        if result != "succeeded" and self._result != "failed":
            self._result = (
                result if result != "succeededWithIssues" or self._result == "succeeded" else self._result
            )

    async def _work(self, step: Step, record: Record, write: Callable[[str], None]) -> str:
        if step.task == "checkout":
            await asyncio.to_thread(
                shutil.copytree, self._build.commit.folder, self._folder / "s", dirs_exist_ok=True
            )
            write(f"HEAD is now at {self._build.commit.id[:8]} {self._build.commit.message}")
            return "succeeded"
        if step.task == "UsePythonVersion@0":
            return self._python(step, record, write)
        talk = StepTalk(self._build, record, write, self._variables, self._paths, step.name)
        code = await self._script(step, talk)
        for name, value, secret in talk.fresh:
            self._variables.set(name, value, secret=secret)
        if code is None:
            return self._fails(record, write, f"The task has timed out after {step.timeout} minutes.")
        if code == 0 or talk.result is not None:
            return talk.result or "succeeded"
        azure = step.task == "AzureCLI@2"
        said = f"Script failed with exit code: {code}" if azure else f"Bash exited with code '{code}'."
        return self._fails(record, write, said)

    def _fails(self, record: Record, write: Callable[[str], None], message: str) -> str:
        write(f"##[error]{message}")
        record.issue("error", message)
        return "failed"

    def _python(self, step: Step, record: Record, write: Callable[[str], None]) -> str:
        """Takes the interpreter of the sandbox for the one that the agent's image has."""
        spec = self._variables.fill(step.inputs.get("versionSpec", "3.x"))
        here = ".".join(map(str, sys.version_info[:2]))
        wanted = re.match(r"(>=)?\s*(3(?:\.\d+)?)", spec)
        floor = tuple(map(int, wanted[2].split("."))) if wanted else ()
        exact = wanted and not wanted[1] and len(floor) == 2
        fits = bool(wanted) and (here == wanted[2] if wanted and exact else sys.version_info[:2] >= floor)
        if fits:
            write(f"Found tool in cache: Python {here}")
            return "succeeded"
        message = (
            f"Version spec {spec} for architecture x64 did not match any version in Agent.ToolsDirectory. "
            f"Versions in the sandbox: {here}"
        )
        return self._fails(record, write, message)

    async def _script(self, step: Step, talk: StepTalk) -> int | None:
        """The exit code; None where the step took too long."""
        text = self._variables.fill(step.inputs.get("script") or step.inputs.get("inlineScript", ""))
        talk.write("Generating script.")
        file = self._folder / "_temp" / f"{talk.record.id}.sh"
        file.write_text(text + "\n")
        asked = self._variables.fill(step.inputs.get("workingDirectory", ""))
        cwd = self._folder / "s" / asked
        if not cwd.is_dir():
            talk.write(f"##[error]Not found workingDirectory: {cwd}")
            return 1
        talk.write("========================== Starting Command Output ===========================")
        command = ["bash", "--noprofile", "--norc", str(file)]
        environment = self._environment(step)
        process = await StepProcess.start(command, cwd, environment, talk.hear, self._pace.terminate_grace)
        try:
            async with asyncio.timeout(step.timeout * self._pace.minute or None):
                return await self._cancellation.unless_asked(process.wait())
        except TimeoutError:
            return None
        finally:
            await process.stop()

    def _environment(self, step: Step) -> dict[str, str]:
        """What the agent's machine has, the run's variables, the owner's, and the step's own."""
        connected = "azureSubscription" in step.inputs
        outside = {
            name: value
            for name, value in self._outside.items()
            if connected or not name.startswith(OF_AN_IDENTITY)
        }
        path = [*self._paths, str(self._folder / "_python" / "bin"), _path_of_the_image()]
        return {
            "HOME": str(self._folder / "_temp"),
            "LANG": "C.UTF-8",
            "TMPDIR": str(self._folder / "_temp"),
            "PYTHONUNBUFFERED": "1",
            **WITHOUT_NETWORK,
            **outside,
            **self._variables.environment(),
            "PATH": os.pathsep.join(path),
            **{name: self._variables.fill(value) for name, value in step.env.items()},
        }


def _path_of_the_image() -> str:
    """This process's own, without the commands of the virtual environment that it may run in."""
    given = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(path for path in given if path != str(Path(sys.executable).parent))
