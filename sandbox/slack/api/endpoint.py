"""`POST /api/{method}`: token, rate limit and scope, then the method itself."""

from aiohttp import web

from ..refusal import Json, Refused
from ..state import Slack
from . import auth, chat, conversations, directory, files, views
from .call import Call, Method, read_arguments

METHODS: dict[str, Method] = {
    **auth.METHODS,
    **chat.METHODS,
    **conversations.METHODS,
    **directory.METHODS,
    **files.METHODS,
    **views.METHODS,
}


async def answer(slack: Slack, request: web.Request) -> web.Response:
    name = request.match_info["method"]
    headers: dict[str, str] = {}
    try:
        body, headers = _answer(slack, request, name, await read_arguments(request))
        return web.json_response(body, headers=headers)
    except Refused as refused:
        return web.json_response(refused.body(), status=refused.status, headers=headers | refused.headers)


def _answer(slack: Slack, request: web.Request, name: str, args: Json) -> tuple[Json, dict[str, str]]:
    method = METHODS.get(name)
    if method is None:
        raise Refused("unknown_method", req_method=name)
    token = _token(request, args)
    scopes = _authenticate(slack, method, token)
    slack.limits.spend(name, method.tier.value)
    call = Call(name, args, token, scopes)
    # in small letters, as Slack sends them: some clients know them by these only
    headers = {"x-oauth-scopes": ",".join(scopes), "x-accepted-oauth-scopes": ",".join(method.any_of)}
    if method.any_of:
        call.require(*method.any_of)
    body: Json = {"ok": True, **method.answer(slack, call)}
    if call.warnings:
        body["warning"] = ",".join(call.warnings)
        body["response_metadata"] = body.get("response_metadata", {}) | {"warnings": call.warnings}
    return body, headers


def _token(request: web.Request, args: Json) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme == "Bearer" else str(args.pop("token", ""))


def _authenticate(slack: Slack, method: Method, token: str) -> tuple[str, ...]:
    """The token's scopes.

    :raises Refused: `not_authed`, `invalid_auth`, `token_revoked` or, for the other sort of token,
        `not_allowed_token_type`
    """
    if not token and method is not METHODS["api.test"]:
        raise Refused("not_authed")
    if token == slack.app.bot_token:
        kind, scopes = "bot", tuple(slack.app.scopes)
    elif token == slack.app.app_token:
        kind, scopes = "app", ("connections:write",)
    elif method is METHODS["api.test"]:
        return ()
    elif token in slack.app.revoked:
        raise Refused("token_revoked")
    else:
        raise Refused("invalid_auth")
    if method.holder not in (kind, "any"):
        raise Refused("not_allowed_token_type")
    return scopes
