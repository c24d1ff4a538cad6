"""The names that Azure ML and IoT Hub accept, and the sentence that says so to a person."""

import re
from dataclasses import dataclass

_SLUG_LENGTH = 200


@dataclass(frozen=True)
class NameRule:
    """A pattern that the whole name must match, and what to tell someone whose name does not."""

    pattern: re.Pattern[str]
    sentence: str

    def allows(self, name: str) -> bool:
        return self.pattern.fullmatch(name) is not None


_ASSET = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,254}")

MODEL_NAME = NameRule(
    _ASSET,
    "A model name begins with a letter or digit and has up to 255 letters, digits, - and _"
    " (no space, dot or slash).",
)
JOB_NAME = NameRule(
    _ASSET, "A job name begins with a letter or digit and has up to 255 letters, digits, - and _."
)
DATA_NAME = NameRule(
    _ASSET, "A data asset name begins with a letter or digit and has up to 255 letters, digits, - and _."
)
COMPONENT_NAME = NameRule(
    re.compile(r"[a-z][a-z0-9_]{0,254}"),
    "A component name begins with a small letter and has up to 255 small letters, digits and _.",
)
CLUSTER_NAME = NameRule(
    re.compile(r"[a-zA-Z](?![a-zA-Z0-9-]*-\d+$)[a-zA-Z0-9-]{2,23}"),
    "A cluster name has 3 to 24 letters, digits and -, begins with a letter"
    " and does not end in a dash and digits.",
)
WORKSPACE_NAME = NameRule(
    re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}"),
    "A workspace name has 3 to 33 letters, digits, - and _, and begins with a letter or digit.",
)
MODEL_VERSION = NameRule(
    re.compile(r"[1-9][0-9]{0,9}"), "A model version is a whole number from 1, without leading zeros."
)
IOT_DEPLOYMENT_ID = NameRule(
    re.compile(r"[a-z0-9\-+%_*!']{1,128}"),
    "An IoT deployment id has up to 128 small letters, digits and - + % _ * ! '.",
)


def slug(name: str) -> str:
    """The nearest name that Azure ML and IoT Hub both accept; empty where nothing of `name` can be kept."""
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower())[:_SLUG_LENGTH].strip("-_")
