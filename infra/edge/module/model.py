"""A registered model behind its scoring file, called as Azure ML's own inference server calls it."""

from __future__ import annotations

import base64
import importlib.util
import json
import logging
import os
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

SCORING_FILES = "scoring_file*.py"

log = logging.getLogger(__name__)


class ModelNotLoaded(Exception):
    """There is no model that could answer; the message says why, in a sentence."""


class ScoringFailed(Exception):
    """The scoring file broke at a picture that can be read."""


@dataclass(frozen=True)
class RawRequest:
    """What a scoring file with AutoML's `@rawhttp` asks of a request: it is handed the picture's own bytes."""

    data: bytes
    method: str = "POST"
    full_path: str = "/score?"
    headers: dict[str, str] = field(default_factory=dict)

    def get_data(self, *_: Any, **__: Any) -> bytes:
        return self.data


class Model:
    """Ready to answer; scores one request at a time, from whatever thread."""

    def __init__(self, script: ModuleType, takes_raw: bool) -> None:
        self._run = script.run
        self._takes_raw = takes_raw
        self._one_at_a_time = threading.Lock()

    @classmethod
    def load(cls, folder: Path) -> Model:
        """From a registered model's files. Raises ModelNotLoaded."""
        file = _scoring_file(folder)
        # AutoML's scoring file expects its model beside itself.
        os.environ["AZUREML_MODEL_DIR"] = str(file.parent)
        try:
            script = _imported(file)
            script.init()
        except Exception as fault:
            log.exception("The scoring file %s could not be started", file)
            raise ModelNotLoaded(f"{file.name} could not load the model: {_said(fault)}") from fault
        if not callable(getattr(script, "run", None)):
            raise ModelNotLoaded(f"{file.name} has no run(), so it is no scoring file.")
        return cls(script, _raw_is_wanted())

    def score(self, pictures: list[bytes]) -> list[dict[str, Any]]:
        """For each picture `{"boxes": [{"box": {topX, topY, bottomX, bottomY}, "label", "score"}]}`, corners 0 to 1.

        Raises ScoringFailed.
        """
        try:
            with self._one_at_a_time:
                if self._takes_raw:
                    return [_boxes(self._run(RawRequest(picture))) for picture in pictures]
                encoded = [base64.b64encode(picture).decode() for picture in pictures]
                asked = json.dumps({"input_data": {"columns": ["image"], "data": encoded}})
                told = _plain(self._run(asked))
                return [_boxes(each) for each in told]
        except Exception as fault:
            log.exception("The scoring file failed")
            raise ScoringFailed(f"The scoring file failed: {_said(fault)}") from fault


def _scoring_file(folder: Path) -> Path:
    found = sorted(folder.rglob(SCORING_FILES)) if folder.is_dir() else []
    if not found:
        raise ModelNotLoaded(
            f"There is no scoring file ({SCORING_FILES}) in {folder}: no model was built in."
        )
    return found[0]


def _imported(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("scoring_file", file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python file")
    script = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = script
    spec.loader.exec_module(script)
    return script


def _raw_is_wanted() -> bool:
    """Whether the scoring file used AutoML's `@rawhttp`; the decorator leaves a mark in its own module."""
    services = sys.modules.get("azureml.contrib.services.aml_request")
    return bool(getattr(services, "_rawHttpRequested", False))


def _plain(told: Any) -> Any:
    """What run() answered: an AMLResponse, JSON as text, or the thing itself."""
    if hasattr(told, "get_data"):
        status = int(getattr(told, "status_code", 200))
        told = told.get_data()
        if status >= 400:
            raise ValueError(f"it answered {status}: {told!r}")
    return json.loads(told) if isinstance(told, (str, bytes)) else told


def _boxes(told: Any) -> dict[str, Any]:
    answer = _plain(told)
    answer = answer[0] if isinstance(answer, list) and answer else answer
    if not isinstance(answer, dict) or not isinstance(answer.get("boxes"), list):
        raise ValueError(f"its answer has no boxes: {str(answer)[:200]}")
    return {"boxes": answer["boxes"]}


def _said(fault: Exception) -> str:
    return f"{type(fault).__name__}: {fault}"[:500]
