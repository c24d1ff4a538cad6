"""Serves `/score` and `/healthz`."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from .model import ScoringFailed
from .pictures import BadPicture, pictures_of
from .state import Module

LARGEST_REQUEST = 32 * 1024 * 1024
IDLE_SECONDS = 60
THERE_ARE = "There are GET /healthz and POST /score here."
STILL_LOADING = "The model is still being loaded; try again in a moment."

log = logging.getLogger(__name__)


def server(host: str, port: int, module: Module) -> ThreadingHTTPServer:
    """Bound but not serving yet; port 0 takes a free one."""

    class Handler(_Handler):
        served = module

    return _Server((host, port), Handler)


class _Refusal(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """As a plain TCP server: HTTP's looks up the host's own name, which can take long in a plant's network."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])


class _Handler(BaseHTTPRequestHandler):
    served: Module
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS

    def do_GET(self) -> None:
        self._reply(self._health)

    def do_POST(self) -> None:
        self._reply(self._score)

    def _health(self) -> tuple[int, Any]:
        if self.path != "/healthz":
            raise _Refusal(404, "NotFound", THERE_ARE)
        state = self.served.state
        return (200 if state.health == "ok" else 503), state.properties()

    def _score(self) -> tuple[int, Any]:
        body = self._body()
        if self.path != "/score":
            raise _Refusal(404, "NotFound", THERE_ARE)
        model = self.served.model
        if model is None:
            raise _Refusal(503, "ModelNotLoaded", self.served.state.reason or STILL_LOADING)
        try:
            found = model.score(pictures_of(body, self.headers.get("Content-Type", "")))
        except BadPicture as fault:
            raise _Refusal(400, fault.code, str(fault)) from fault
        except ScoringFailed as fault:
            self.served.could_not_score(str(fault))
            raise _Refusal(500, "ScoringFailed", str(fault)) from fault
        self.served.has_scored()
        return 200, found

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit():
            self.close_connection = True
            raise _Refusal(411, "BadRequest", "Send the picture with its Content-Length.")
        if int(length) > LARGEST_REQUEST:
            self.close_connection = True
            raise _Refusal(413, "PictureTooLarge", f"Send at most {LARGEST_REQUEST >> 20} MB at a time.")
        return self.rfile.read(int(length))

    def _reply(self, answer: Callable[[], tuple[int, Any]]) -> None:
        try:
            status, content = answer()
        except _Refusal as refusal:
            status, content = refusal.status, {"error": {"code": refusal.code, "message": str(refusal)}}
        body = json.dumps(content).encode()
        state = self.served.state
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Model", f"{state.model_name}:{state.model_version}")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)
