"""HTTP mode: signed requests to the app's own addresses, and url_verification before any event."""

import hashlib
import hmac
import json
import secrets
from urllib.parse import urlencode

import aiohttp

from .app import InstalledApp
from .link import Answer, Kind, Retry
from .refusal import Json
from .workspace import Clock


class HttpMode:
    def __init__(self, app: InstalledApp, clock: Clock, patience: float) -> None:
        self._app = app
        self._clock = clock
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=patience))
        self._verified: set[str] = set()

    async def send(
        self, kind: Kind, payload: Json, *, answerable: bool, retry: Retry | None = None
    ) -> Answer:
        if kind == "events_api":
            return await self._send_event(payload, retry)
        if kind == "slash_commands":
            url, form = self._app.commands[payload["command"]].url, payload
        else:
            suggesting = payload["type"] == "block_suggestion"
            url = self._app.options_url if suggesting else self._app.interactivity_url
            form = {"payload": json.dumps(payload)}
        answer, body = await self._post(url, urlencode(form), "application/x-www-form-urlencoded", None)
        return Answer(answer.outcome, _read(body) if answerable else {}, answer.reason)

    async def verify(self) -> bool:
        """The challenge that Slack sends when a request URL is saved."""
        challenge = secrets.token_urlsafe(32)
        question = {
            "token": self._app.verification_token,
            "challenge": challenge,
            "type": "url_verification",
        }
        url = self._app.events_url
        answer, body = await self._post(url, json.dumps(question), "application/json", None)
        answered = body if body == challenge else _read(body).get("challenge")
        if answer.outcome == "acked" and answered == challenge:
            self._verified.add(url)
        return url in self._verified

    async def _send_event(self, event: Json, retry: Retry | None) -> Answer:
        if self._app.events_url not in self._verified and not await self.verify():
            return Answer("unreachable", reason="connection_failed")
        answer, _ = await self._post(self._app.events_url, json.dumps(event), "application/json", retry)
        return answer

    async def _post(self, url: str, body: str, content_type: str, retry: Retry | None) -> tuple[Answer, str]:
        headers = {"Content-Type": content_type, "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)"}
        headers |= self._sign(body)
        if retry:
            headers |= {"X-Slack-Retry-Num": str(retry.number), "X-Slack-Retry-Reason": retry.reason}
        try:
            async with self._session.post(url, data=body.encode(), headers=headers) as response:
                text = await response.text()
                wanted = response.headers.get("X-Slack-No-Retry") != "1"
                if response.status == 200:
                    return Answer("acked"), text
                return Answer("unreachable", reason="http_error", retry=wanted), ""
        except TimeoutError:
            return Answer("timeout", reason="http_timeout"), ""
        except (aiohttp.ClientError, ValueError):
            return Answer("unreachable", reason="connection_failed"), ""

    def _sign(self, body: str) -> dict[str, str]:
        timestamp = str(int(self._clock()))
        signed = f"v0:{timestamp}:{body}".encode()
        digest = hmac.new(self._app.signing_secret.encode(), signed, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={digest}"}

    async def close(self) -> None:
        await self._session.close()


def _read(body: str) -> Json:
    """What an HTTP answer says: JSON, or plain text as a message's text."""
    if not body.strip():
        return {}
    try:
        answer = json.loads(body)
    except ValueError:
        return {"text": body}
    return answer if isinstance(answer, dict) else {"text": body}
