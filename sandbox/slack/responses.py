"""`POST /response/{key}`: what an app says later, through the response_url of an interaction."""

import json

from aiohttp import web

from .api.call import read_arguments
from .api.chat import post, revise, whisper
from .content import Content, read_content
from .refusal import Json, Refused
from .state import Slack
from .tickets import Hook


async def respond(slack: Slack, request: web.Request) -> web.Response:
    try:
        args = await read_arguments(request)
        if isinstance(form := args.get("payload"), str):
            args = json.loads(form)
        _act(slack, slack.hooks.use(request.match_info["key"]), args)
    except Refused as refused:
        status = refused.status if refused.status != 200 else 400
        return web.json_response(refused.body(), status=status)
    return web.Response(text="ok")


def _act(slack: Slack, hook: Hook, args: Json) -> None:
    if _is_true(args.get("delete_original")):
        slack.messages.delete(slack.messages.find(hook.channel, hook.original_ts or ""))
        return
    content = read_content(args, slack.files, slack.workspace.refused_blocks)
    if not content.describe():
        raise Refused("no_text")
    # An answer to a message replaces it unless it says otherwise; a command has no message to replace.
    replaces = args.get("replace_original", "response_type" not in args)
    if hook.original_ts and _is_true(replaces):
        _replace(slack, hook, content)
    elif args.get("response_type", "ephemeral") == "in_channel":
        channel = slack.workspace.channel(hook.channel)
        post(slack, channel, content, str(args.get("thread_ts") or hook.thread_ts or ""), broadcast=False)
    else:
        thread_ts = args.get("thread_ts") or hook.thread_ts
        whisper(slack, hook.channel, hook.user, content, thread_ts)


def _replace(slack: Slack, hook: Hook, content: Content) -> None:
    message = slack.messages.find(hook.channel, hook.original_ts or "")
    edited = message.edited
    revise(slack, message, Content(content.text or "", content.blocks or [], content.attachments, None))
    message.edited = edited


def _is_true(value: object) -> bool:
    return str(value).lower() == "true"
