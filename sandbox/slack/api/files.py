"""files.*: uploads in three steps (reserve, send the bytes, complete)."""

from ..limits import Tier
from ..messages import Message
from ..refusal import Json, Refused
from ..state import Slack
from ..workspace import BOT_USER
from .call import Call, Method
from .chat import writable


def _reserve(slack: Slack, call: Call) -> Json:
    name = call.need("filename")
    length = call.number("length", 0, 1, 1024**3)
    if not length:
        raise Refused("missing_argument")
    file = slack.files.reserve(name, length, call.text("alt_txt"))
    return {"upload_url": f"{slack.url}/upload/v1/{file.upload_key}", "file_id": file.id}


def _complete(slack: Slack, call: Call) -> Json:
    wanted = call.structure("files")
    if not isinstance(wanted, list) or not wanted:
        raise Refused("invalid_arguments")
    files = [slack.files.find(item["id"]) for item in wanted]
    if any(file.content is None for file in files):
        raise Refused("file_not_found")
    places = [p for p in call.text("channels", call.text("channel_id")).split(",") if p]
    channels = [writable(slack, call, place) for place in places]
    for file, item in zip(files, wanted, strict=True):
        file.title, file.completed = item.get("title") or file.name, True
    for channel in channels:
        ts, thread_ts = slack.workspace.stamp(), call.text("thread_ts")
        for file in files:
            slack.files.share(file, channel.id, ts)
        slack.messages.post(
            Message(
                channel.id,
                ts,
                BOT_USER,
                call.text("initial_comment"),
                files=[slack.files.json(file, slack.url) for file in files],
                thread_ts=slack.messages.root_of(channel, thread_ts) if thread_ts else None,
            )
        )
    return {"files": [slack.files.json(file, slack.url) for file in files]}


def _info(slack: Slack, call: Call) -> Json:
    file = slack.files.find(call.need("file"))
    return {"file": slack.files.json(file, slack.url), "comments": []}


METHODS = {
    "files.getUploadURLExternal": Method(_reserve, "files:write", Tier.FOUR),
    "files.completeUploadExternal": Method(_complete, "files:write", Tier.FOUR),
    "files.info": Method(_info, "files:read", Tier.FOUR),
}
