"""What settings look like, so that a wrong one is found where it is given."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """`pattern` is for the whole value; `hint` says where the right one is found."""

    pattern: str
    hint: str

    def fits(self, value: str) -> bool:
        return re.fullmatch(self.pattern, value) is not None


BOT_TOKEN = Shape(r"xoxb-\S+", "It begins with xoxb-: OAuth & Permissions on the app's page.")
APP_TOKEN = Shape(r"xapp-\S+", "It begins with xapp-: Basic Information → App-Level Tokens.")
SUBSCRIPTION = Shape(
    r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    "It is the subscription's id, not its name: `az account show --query id`.",
)
RESOURCE_GROUP = Shape(r"[\w().-]{0,89}[\w()-]", "Up to 90 letters, digits, and _ ( ) . - in it.")
WORKSPACE = Shape(r"[A-Za-z0-9][\w-]{2,32}", "3 to 33 letters, digits, - and _.")
CHANNEL = Shape(
    r"[CG][A-Z0-9]{8,}", "It is the channel's id (C…), at the end of View channel details, not its name."
)
MEMBER = Shape(
    r"[SUW][A-Z0-9]{8,}", "It is the id of a user group (S…) or a person (U…), as their ⋯ menu copies it."
)
ORGANIZATION = Shape(
    r"https?://[^/\s]+(/[^/\s]+)?/?",
    "It is the organisation's address alone, such as https://dev.azure.com/fabrikam.",
)
PROJECT = Shape(r"[^/\\:*?\"<>|;#${},+=\[\]]{1,64}", "It is the project's name alone.")
STORAGE_ACCOUNT = Shape(r"[a-z0-9]{3,24}", "3 to 24 small letters and digits.")
HOST_NAME = Shape(r"[^\s/:]+\.[^\s/:]+", "It is a host name alone, such as plant.azure-devices.net.")
ADDRESS = Shape(r"https://[^/\s]+", "It is https:// and a host name, such as https://spotter.example.")
