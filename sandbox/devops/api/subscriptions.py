"""Service hook subscriptions and what was sent to them."""

from typing import Any

from aiohttp import web
from yarl import URL

from sandbox.azure.times import arm_time, now
from sandbox.devops.deliveries import Notification, Subscription
from sandbox.devops.errors import invalid, not_found
from sandbox.devops.hooks import PUBLISHERS, Hooks
from sandbox.devops.organisation import Organisation
from sandbox.devops.resources import Call, Resource, collection

MASK = "********"


class SubscriptionsApi:
    def __init__(self, organisation: Organisation, hooks: Hooks) -> None:
        self._organisation = organisation
        self._hooks = hooks

    def resources(self) -> list[Resource]:
        return [
            Resource(
                "fc50d02a-849f-41fb-8af1-0a5216103269",
                "hooks",
                "subscriptions",
                "_apis/hooks/subscriptions/{subscriptionId}",
                {"GET": self._get, "POST": self._create, "PUT": self._replace, "DELETE": self._delete},
            ),
            Resource(
                "0c62d343-21b0-4732-997b-017fde84dc28",
                "hooks",
                "notifications",
                "_apis/hooks/subscriptions/{subscriptionId}/notifications/{notificationId}",
                {"GET": self._notifications},
            ),
        ]

    def _subscription(self, call: Call) -> Subscription:
        found = self._hooks.subscriptions.get(call.values.get("subscriptionId", "").lower())
        if found is None:
            message = f"The subscription {call.values.get('subscriptionId')} was not found."
            raise not_found("SubscriptionNotFoundException", message)
        return found

    async def _get(self, call: Call) -> web.Response:
        if "subscriptionId" in call.values:
            return web.json_response(self._view(self._subscription(call)))
        chosen = [
            subscription
            for subscription in self._hooks.subscriptions.values()
            if all(
                call.query.get(key) in (None, subscription.body[key])
                for key in ("publisherId", "eventType", "consumerId", "consumerActionId")
            )
        ]
        return collection([self._view(subscription) for subscription in chosen])

    async def _create(self, call: Call) -> web.Response:
        made = Subscription(self._checked(await call.body()), call.caller)
        self._hooks.subscriptions[made.id] = made
        return web.json_response(self._view(made))

    def _checked(self, body: dict[str, Any]) -> dict[str, Any]:
        kind = str(body.get("eventType"))
        if PUBLISHERS.get(kind) != body.get("publisherId"):
            raise invalid(f"The publisher '{body.get('publisherId')}' has no event '{kind}' in the sandbox.")
        if (body.get("consumerId"), body.get("consumerActionId")) != ("webHooks", "httpRequest"):
            raise invalid("The sandbox serves the consumer webHooks with the action httpRequest.")
        given = body.get("consumerInputs") or {}
        url = URL(str(given.get("url") or ""))
        if url.scheme not in ("http", "https") or not url.host:
            raise invalid("The consumer's input 'url' is not a valid address.")
        if any(":" not in line for line in str(given.get("httpHeaders") or "").splitlines()):
            raise invalid("The consumer's input 'httpHeaders' needs a line 'Key:value' for each header.")
        publisher = body.get("publisherInputs") or {}
        if publisher.get("projectId", self._organisation.project_id) not in (
            "",
            self._organisation.project_id,
        ):
            raise invalid(f"The project {publisher['projectId']} was not found.")
        version = body.get("resourceVersion") or ("2.0" if kind == "build.complete" else "5.1-preview.1")
        return {**body, "resourceVersion": version, "consumerInputs": given, "publisherInputs": publisher}

    async def _replace(self, call: Call) -> web.Response:
        """A password that is given back masked stays what it was."""
        found, body = self._subscription(call), self._checked(await call.body())
        if body["consumerInputs"].get("basicAuthPassword") == MASK:
            body["consumerInputs"]["basicAuthPassword"] = found.body["consumerInputs"].get(
                "basicAuthPassword", ""
            )
        found.body, found.modified = body, now()
        found.status = str(body.get("status") or "enabled")
        return web.json_response(self._view(found))

    async def _delete(self, call: Call) -> web.Response:
        del self._hooks.subscriptions[self._subscription(call).id]
        return web.Response(status=204)

    def _view(self, subscription: Subscription) -> dict[str, Any]:
        body = subscription.body
        inputs = dict(body["consumerInputs"])
        if inputs.get("basicAuthPassword"):
            inputs["basicAuthPassword"] = MASK
        who = subscription.created_by.ref()
        return {
            "id": subscription.id,
            "url": f"{self._organisation.base_url}/_apis/hooks/subscriptions/{subscription.id}",
            "status": subscription.status,
            "publisherId": body["publisherId"],
            "eventType": body["eventType"],
            "subscriber": None,
            "resourceVersion": body["resourceVersion"],
            "eventDescription": "",
            "consumerId": "webHooks",
            "consumerActionId": "httpRequest",
            "actionDescription": f"To host {URL(inputs['url']).host}",
            "createdBy": who,
            "createdDate": arm_time(subscription.created),
            "modifiedBy": who,
            "modifiedDate": arm_time(subscription.modified),
            "publisherInputs": {**body["publisherInputs"], "tfsSubscriptionId": subscription.id},
            "consumerInputs": inputs,
        }

    async def _notifications(self, call: Call) -> web.Response:
        subscription = self._subscription(call)
        sent = subscription.notifications
        if "notificationId" in call.values:
            number = call.number("notificationId")
            found = next((notification for notification in sent if notification.id == number), None)
            if found is None:
                raise not_found("NotificationNotFoundException", f"The notification {number} was not found.")
            return web.json_response(_sent(subscription, found, details=True))
        wanted = call.query.get("result", "").lower()
        chosen = [n for n in reversed(sent) if not wanted or n.result == wanted]
        most = call.whole("maxResults", 0) or 100
        return collection(
            [_sent(subscription, notification, details=False) for notification in chosen[:most]]
        )


def _sent(subscription: Subscription, notification: Notification, *, details: bool) -> dict[str, Any]:
    view: dict[str, Any] = {
        "id": notification.id,
        "subscriptionId": subscription.id,
        "subscriberId": "00000000-0000-0000-0000-000000000000",
        "eventId": notification.event["id"],
        "status": "requestInProgress" if notification.result == "pending" else "completed",
        "result": notification.result,
        "createdDate": arm_time(notification.created),
        "modifiedDate": arm_time(notification.modified),
    }
    if details:
        view["details"] = {
            "eventType": notification.event["eventType"],
            "event": notification.event,
            "requestAttempts": notification.attempts,
            "response": notification.response,
        }
    return view
