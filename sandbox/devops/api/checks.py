"""Checks on resources, permission to use them, and the answers to approvals and to checks that wait."""

from typing import Any

from aiohttp import web

from sandbox.azure.times import arm_time, now
from sandbox.devops.approvals import Approval
from sandbox.devops.engine.checkpoint import BRANCH_CONTROL
from sandbox.devops.engine.invoke import INVOKE_REST
from sandbox.devops.errors import devops_error, invalid, not_found
from sandbox.devops.identities import BUILD_SERVICE, PEOPLE
from sandbox.devops.organisation import Organisation
from sandbox.devops.protected import Check
from sandbox.devops.resources import Call, Resource, collection

APPROVAL_TYPE = {"id": "8c6f20a7-a545-4486-9777-f762fafe0d4d", "name": "Approval"}
TASK_CHECK_TYPE = {"id": "fe1de3ee-a436-41b4-bb20-f6eb4cb879a7", "name": "Task Check"}
TYPES = {kind["id"]: kind for kind in (APPROVAL_TYPE, TASK_CHECK_TYPE)}
KINDS = ("endpoint", "environment", "queue", "repository")


class ChecksApi:
    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation

    def resources(self) -> list[Resource]:
        return [
            Resource(
                "86c8381e-5aee-4cde-8ae4-25c0c7f5eaea",
                "PipelinesChecks",
                "configurations",
                "{project}/_apis/pipelines/checks/configurations/{id}",
                {"GET": self._get, "POST": self._add, "PATCH": self._update, "DELETE": self._delete},
                released=False,
            ),
            Resource(
                "b5b9a4a4-e6cd-4096-853c-ab7d8b0c4eb2",
                "pipelinePermissions",
                "pipelinePermissions",
                "{project}/_apis/pipelines/pipelinePermissions/{resourceType}/{resourceId}",
                {"GET": self._permissions, "PATCH": self._permit},
                released=False,
            ),
            Resource(
                "37794717-f36f-4d78-b2bf-4dc30d0cfbcd",
                "approval",
                "approvals",
                "{project}/_apis/pipelines/approvals/{approvalId}",
                {"GET": self._approvals, "PATCH": self._answer},
            ),
            Resource(
                "",
                "distributedtask",
                "events",
                "{scopeIdentifier}/_apis/distributedtask/hubs/{hubName}/plans/{planId}/events",
                {"POST": self._event},
                released=False,
            ),
        ]

    def _check(self, call: Call) -> Check:
        found = self._organisation.resources.checks.get(call.number("id"))
        if found is None:
            raise not_found(
                "CheckConfigurationNotFoundException", f"Check {call.values['id']} was not found."
            )
        return found

    async def _get(self, call: Call) -> web.Response:
        settings = call.query.get("$expand", "").lower() == "settings"
        if "id" in call.values:
            return web.json_response(self._view(self._check(call), settings=True))
        kind, identity = call.query.get("resourceType", ""), call.query.get("resourceId", "")
        if not kind or not identity:
            raise invalid("resourceType and resourceId are required.")
        checks = self._organisation.resources.checks_on(kind, identity)
        return collection([self._view(check, settings=settings) for check in checks])

    async def _add(self, call: Call) -> web.Response:
        body = await call.body()
        kind = TYPES.get(str((body.get("type") or {}).get("id", "")).lower())
        if kind is None:
            raise invalid("The sandbox serves checks of the types Approval and Task Check.")
        resource = body.get("resource") or {}
        named = str(resource.get("type", "")).lower(), str(resource.get("id", "")).lower()
        self._check_resource(*named)
        settings = self._checked(kind["name"], body.get("settings"))
        timeout = int(body.get("timeout") or 43200)
        made = self._organisation.resources.add_check(kind["name"], settings, named, timeout, call.caller)
        return web.json_response(self._view(made, settings=True))

    def _checked(self, kind: str, settings: Any) -> dict[str, Any]:
        if not isinstance(settings, dict):
            raise invalid("A check needs settings.")
        if kind == "Approval":
            ids = [str(given.get("id")) for given in settings.get("approvers") or []]
            unknown = [identity for identity in ids if identity not in {person.id for person in PEOPLE}]
            if not ids or unknown:
                raise invalid(f"Approvers could not be resolved: {', '.join(unknown) or 'none was given'}.")
            return settings
        definition = str((settings.get("definitionRef") or {}).get("id", "")).lower()
        by_task = {INVOKE_REST: self._check_call, BRANCH_CONTROL: self._check_branches}
        if definition not in by_task:
            raise invalid("Of the checks by tasks the sandbox serves Invoke REST API and Branch control.")
        by_task[definition](settings.get("inputs") or {})
        return settings

    def _check_call(self, inputs: dict[str, Any]) -> None:
        connection = str(inputs.get("connectedServiceName") or "")
        endpoint = self._organisation.resources.endpoint(connection)
        if inputs.get("connectedServiceNameSelector") != "connectedServiceName":
            raise invalid("The sandbox serves Invoke REST API by a generic service connection only.")
        if endpoint is None or endpoint.body["type"].lower() != "generic":
            raise invalid(f"Invoke REST API needs a generic service connection; '{connection}' is none.")

    @staticmethod
    def _check_branches(inputs: dict[str, Any]) -> None:
        if not isinstance(inputs.get("allowedBranches"), str):
            raise invalid("Branch control needs allowedBranches, separated by commas.")
        if inputs.get("ensureProtectionOfBranch") != "false":
            raise invalid(
                "The sandbox has no branch policies, so it cannot ensure the protection of a branch."
            )

    def _check_resource(self, kind: str, identity: str) -> None:
        resources = self._organisation.resources
        known = {
            "environment": lambda: identity.isdigit() and int(identity) in resources.environments,
            "endpoint": lambda: identity in resources.endpoints,
            "queue": lambda: identity in {str(pool.id) for pool in self._organisation.pools},
            "repository": lambda: identity.endswith(self._organisation.repository.id),
        }
        if kind not in known:
            raise invalid(f"The resource type '{kind}' is not one of {', '.join(KINDS)}.")
        if not known[kind]():
            raise not_found("ResourceNotFoundException", f"The {kind} {identity} was not found.")

    async def _update(self, call: Call) -> web.Response:
        check, body = self._check(call), await call.body()
        if "settings" in body:
            check.settings = self._checked(check.type, body["settings"])
        check.timeout = int(body.get("timeout") or check.timeout)
        check.modified = now()
        return web.json_response(self._view(check, settings=True))

    async def _delete(self, call: Call) -> web.Response:
        del self._organisation.resources.checks[self._check(call).id]
        return web.Response(status=204)

    def _view(self, check: Check, *, settings: bool) -> dict[str, Any]:
        url = f"{self._organisation.project_url}/_apis/pipelines/checks/configurations/{check.id}"
        who = check.created_by.ref()
        return {
            **({"settings": check.settings} if settings else {}),
            "createdBy": who,
            "createdOn": arm_time(check.created),
            "modifiedBy": who,
            "modifiedOn": arm_time(check.modified),
            "timeout": check.timeout,
            "_links": {"self": {"href": url}},
            "id": check.id,
            "type": next(kind for kind in TYPES.values() if kind["name"] == check.type),
            "url": url,
            "resource": {"type": check.resource_type, "id": check.resource_id},
        }

    async def _permissions(self, call: Call) -> web.Response:
        kind, identity = call.values["resourceType"].lower(), call.values["resourceId"].lower()
        self._check_resource(kind, identity)
        permissions = self._organisation.resources.permissions(kind, identity)
        view: dict[str, Any] = {
            "resource": {"type": kind, "id": identity},
            "pipelines": [
                {"id": pipeline, "authorized": True, "authorizedBy": by.ref(), "authorizedOn": arm_time(at)}
                for pipeline, (by, at) in permissions.pipelines.items()
            ],
        }
        if permissions.everyone:
            view["allPipelines"] = {"authorized": True}
        return web.json_response(view)

    async def _permit(self, call: Call) -> web.Response:
        kind, identity = call.values["resourceType"].lower(), call.values["resourceId"].lower()
        self._check_resource(kind, identity)
        body = await call.body()
        permissions = self._organisation.resources.permissions(kind, identity)
        if "allPipelines" in body:
            permissions.everyone = bool((body["allPipelines"] or {}).get("authorized"))
        for given in body.get("pipelines") or []:
            number = given.get("id")
            if number not in self._organisation.pipelines:
                raise not_found("PipelineDoesNotExistException", f"Pipeline {number} was not found.")
            if given.get("authorized"):
                permissions.permit(number, call.caller)
            else:
                permissions.pipelines.pop(number, None)
        self._organisation.bell.ring()
        return await self._permissions(call)

    def _approval(self, identity: str) -> Approval:
        found = self._organisation.approvals.get(identity.lower())
        if found is None:
            raise not_found("ApprovalNotFoundException", f"Approval {identity} was not found.")
        return found

    async def _approvals(self, call: Call) -> web.Response:
        steps = call.query.get("$expand", "").lower() == "steps"
        url = self._organisation.project_url
        if "approvalId" in call.values:
            return web.json_response(self._approval(call.values["approvalId"]).as_json(url, steps=steps))
        chosen = list(self._organisation.approvals.values())
        if ids := call.listed("approvalIds"):
            chosen = [self._approval(identity) for identity in ids]
        if (state := call.query.get("state", "all").lower()) != "all":
            chosen = [approval for approval in chosen if approval.status.lower() == state]
        if users := call.listed("userIds"):
            chosen = [a for a in chosen if any(step.assigned.id in users for step in a.steps)]
        top = call.whole("top", 0) or call.whole("$top", 0) or len(chosen)
        return collection([approval.as_json(url, steps=steps) for approval in chosen[:top]])

    async def _answer(self, call: Call) -> web.Response:
        """All or nothing is not promised: answers are taken one by one."""
        body = await call.json()
        if not isinstance(body, list) or not all(isinstance(given, dict) for given in body):
            raise invalid("A list of updates was expected.")
        answered = []
        for given in body:
            status = given.get("status")
            if status not in ("approved", "rejected"):
                message = f"The status '{status}' is not valid for an update of an approval."
                raise devops_error(400, "InvalidApprovalStatusException", message)
            approval = self._approval(str(given.get("approvalId")))
            approval.answer(call.caller, status, str(given.get("comment") or ""))
            answered.append(approval.as_json(self._organisation.project_url, steps=True))
        self._organisation.bell.ring()
        return collection(answered)

    async def _event(self, call: Call) -> web.Response:
        """The verdict on a check that waits for its completion, with the token that its call carried."""
        if call.caller != BUILD_SERVICE:
            message = "Access denied: the verdict on a check needs the token of its call."
            raise devops_error(403, "AccessCheckException", message)
        body = await call.body()
        verdict = self._organisation.verdicts.get((call.values["planId"], str(body.get("jobId"))))
        if body.get("name") != "TaskCompleted" or body.get("result") not in ("succeeded", "failed"):
            raise invalid("The sandbox takes TaskCompleted with the result succeeded or failed.")
        if verdict is None or verdict.done():
            raise not_found("TaskOrchestrationPlanNotFoundException", "No check waits for this verdict.")
        verdict.set_result(body["result"] == "succeeded")
        return web.Response(status=204)
