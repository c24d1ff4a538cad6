"""The check "Invoke REST API": calls an address, and takes its answer or a later call back as the verdict."""

import asyncio
import json
from typing import Any

import aiohttp

from sandbox.devops.builds import Build
from sandbox.devops.engine.variables import Variables, of_build
from sandbox.devops.hooks import Hooks
from sandbox.devops.organisation import Organisation
from sandbox.devops.pipeline.expressions import ExpressionError, Names, evaluate, truth
from sandbox.devops.protected import Check
from sandbox.devops.timeline import Record

INVOKE_REST = "9c3e8943-130d-4c78-ac63-8af81df62dfb"
CALL_SECONDS = 20
MOST_EVALUATIONS = 10


class CallRefused(Exception):
    """The verdict is no."""


class TaskCheckRun:
    """Only predefined variables are known to a check, so it keys on `$(Build.BuildId)`."""

    def __init__(
        self, organisation: Organisation, hooks: Hooks, build: Build, check: Check, record: Record
    ) -> None:
        self._organisation = organisation
        self._hooks = hooks
        self._build = build
        self._check = check
        self._record = record
        self._inputs: dict[str, str] = check.settings["inputs"]
        self._token = ""

    async def passed(self) -> None:
        """Raises CallRefused. A no is asked again after `retryInterval` minutes where one is set."""
        minutes = int(self._check.settings.get("retryInterval") or 0)
        if minutes and self._check.timeout > MOST_EVALUATIONS * minutes:
            raise CallRefused("The check does not comply: it would be evaluated more than ten times.")
        interval = minutes * self._organisation.pace.minute
        while True:
            self._token = self._organisation.access.job_token()
            try:
                return await self._once()
            except CallRefused as refused:
                self._say(str(refused))
                if not interval:
                    raise
            finally:
                self._organisation.access.end_job(self._token)
            await asyncio.sleep(interval)

    def _say(self, text: str) -> None:
        if self._record.log:
            self._record.log.write(text.replace(self._token, "***"))

    def _variables(self) -> Variables:
        of_record = {
            "System.HubName": "checks",
            "System.JobId": self._record.id,
            "System.TaskInstanceId": self._record.id,
            "System.AccessToken": self._token,
            "system.AuthToken": self._token,
            "system.CheckoutType": "",
        }
        return Variables({**of_build(self._organisation, self._build), **of_record})

    async def _once(self) -> None:
        waits = self._inputs.get("waitForCompletion", "false").lower() == "true"
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if waits:
            self._organisation.verdicts[self._build.plan_id, self._record.id] = future
        try:
            answer = await self._call()
            if waits:
                self._say("Waiting for completion.")
                if not await future:
                    raise CallRefused("The check was completed with the result failed.")
            elif not self._meets(answer):
                raise CallRefused(f"The response did not meet the success criteria {self._criteria}.")
        finally:
            self._organisation.verdicts.pop((self._build.plan_id, self._record.id), None)

    @property
    def _criteria(self) -> str:
        return self._inputs.get("successCriteria", "")

    def _meets(self, answer: Any) -> bool:
        if not self._criteria:
            return True
        try:
            return truth(evaluate(self._criteria, Names({"root": answer}, {})))
        except ExpressionError as wrong:
            raise CallRefused(str(wrong)) from None

    async def _call(self) -> Any:
        """The JSON of a 2xx answer; None where it is not JSON."""
        variables = self._variables()
        connection = self._inputs["connectedServiceName"]
        endpoint = self._organisation.resources.endpoint(connection)
        if endpoint is None:
            raise CallRefused(f"Service connection {connection} could not be found.")
        suffix = variables.fill(self._inputs.get("urlSuffix", ""))
        url = endpoint.body["url"].rstrip("/") + (f"/{suffix.lstrip('/')}" if suffix else "")
        headers = json.loads(variables.fill(self._inputs.get("headers") or "{}"))
        method = self._inputs.get("method", "POST")
        body = variables.fill(self._inputs.get("body", "")) if method != "GET" else None
        self._say(f"{method} {url}")
        try:
            async with self._hooks.deliveries.session.request(
                method, url, headers=headers, data=body, timeout=aiohttp.ClientTimeout(CALL_SECONDS)
            ) as response:
                text = await response.text()
                self._say(f"Response code: {response.status}")
                if not response.ok:
                    raise CallRefused(f"Call failed with HTTP response code {response.status}: {text[:200]}")
        except (aiohttp.ClientError, TimeoutError) as lost:
            raise CallRefused(f"Call failed: {lost or type(lost).__name__}") from None
        try:
            return json.loads(text)
        except ValueError:
            return None
