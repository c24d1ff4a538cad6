"""Everything one Slack twin knows, handed to each of its endpoints."""

from dataclasses import dataclass, field

from .app import InstalledApp
from .feeds import Feeds
from .files import Files
from .limits import Limits
from .link import AppLink
from .messages import Messages
from .payloads import Payloads
from .refusal import Json
from .schedule import Schedule
from .socket_mode import SocketMode
from .tickets import Hooks, Triggers
from .views import Views
from .workspace import Workspace


@dataclass
class Slack:
    workspace: Workspace
    app: InstalledApp
    feeds: Feeds
    messages: Messages
    views: Views
    triggers: Triggers
    hooks: Hooks
    limits: Limits
    files: Files
    schedule: Schedule
    link: AppLink
    sockets: SocketMode
    payloads: Payloads
    url: str = ""
    links: list[Json] = field(default_factory=list)
    """Pages beside this one: `{title, url}`."""
