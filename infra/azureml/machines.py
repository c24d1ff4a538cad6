"""What a VM size is good for, from its name alone."""

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

_GPU = re.compile(r"(Standard|Basic)_N[CDGV]\w*", re.IGNORECASE)
_ANY = re.compile(r"(Standard|Basic)_\w+", re.IGNORECASE)


def has_gpu(vm_size: str) -> bool | None:
    """Whether a size is of Azure's GPU series (NC, ND, NG, NV); None where it is no VM size."""
    return bool(_GPU.fullmatch(vm_size)) if _ANY.fullmatch(vm_size) else None


def warning(vm_size: str) -> str:
    """Why a model cannot be trained on this size, and what to do; empty where nothing speaks against it."""
    known = _known()
    for series in known["series"]:
        if re.fullmatch(series["sizes"], vm_size, re.IGNORECASE):
            sentence: str = series.get("warning") or "{size} is of the series {name}, retired on {retired}."
            return f"{sentence.format(size=vm_size, **series)} {known['remedy']}"
    return ""


@cache
def _known() -> dict[str, Any]:
    return tomllib.loads(files("infra.azureml").joinpath("machines.toml").read_text("utf-8"))
