"""Imports what is only needed by and by."""

import gc
import importlib
from typing import Any


def load(name: str) -> Any:
    """`module:object`. While modules are made there is no garbage; to look for it would take a sixth of the time."""
    module, _, wanted = name.partition(":")
    gc.disable()
    try:
        return getattr(importlib.import_module(module), wanted)
    finally:
        gc.freeze()
        gc.enable()
