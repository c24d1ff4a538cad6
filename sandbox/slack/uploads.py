"""The bytes of files: upload addresses and private downloads."""

from aiohttp import web

from .refusal import Refused
from .state import Slack


async def receive(slack: Slack, request: web.Request) -> web.Response:
    """Raw bytes, or the first file of a multipart form."""
    if request.content_type == "multipart/form-data":
        fields = [field for field in (await request.post()).values() if isinstance(field, web.FileField)]
        content = fields[0].file.read() if fields else b""
    else:
        content = await request.read()
    try:
        slack.files.fill(request.match_info["key"], content)
    except Refused as refused:
        return web.Response(status=refused.status, text=refused.error)
    return web.Response(text=f"OK - {len(content)}")


async def serve(slack: Slack, request: web.Request) -> web.Response:
    """For the app's token, or for people with the key that their messages carry."""
    bearer = request.headers.get("Authorization") == f"Bearer {slack.app.bot_token}"
    allowed = bearer and "files:read" in slack.app.scopes
    if not allowed and request.query.get("t") != slack.files.viewer_key:
        raise web.HTTPForbidden
    try:
        file = slack.files.find(request.match_info["file"].partition("-")[2])
    except Refused:
        raise web.HTTPNotFound from None
    return web.Response(body=file.content or b"", content_type=file.mimetype)
