"""Starts the module: `/healthz` is there at once, `/score` when the model is loaded.

A model that cannot be loaded does not end the process: restarts would not mend it, and only what runs can say why.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from .model import Model, ModelNotLoaded
from .server import server
from .state import Module
from .workload import Identity

log = logging.getLogger("module")


def main(environment: Mapping[str, str]) -> None:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stdout)
    module = Module(environment.get("MODEL_NAME", ""), environment.get("MODEL_VERSION", ""))
    serving = server(environment.get("HOST", "0.0.0.0"), int(environment.get("PORT", "8080")), module)  # noqa: S104  # a container's own network
    threading.Thread(target=serving.serve_forever, name="http", daemon=True).start()
    log.info("Listening on port %s.", serving.server_port)
    _report(module, environment)
    _load(module, Path(environment.get("MODEL_DIR", "/model")))
    threading.Event().wait()


def _report(module: Module, environment: Mapping[str, str]) -> None:
    identity = Identity.from_environment(environment)
    if identity is None:
        log.info("This is no IoT Edge device: nothing is reported.")
        return
    from .twin import Reporter  # outside IoT Edge nobody needs MQTT

    Reporter(identity, module).start()


def _load(module: Module, folder: Path) -> None:
    try:
        module.is_ready(Model.load(folder))
    except ModelNotLoaded as fault:
        log.error("%s", fault)
        module.has_no_model(str(fault))
    else:
        log.info("Version %s of %s is ready.", module.state.model_version, module.state.model_name)


if __name__ == "__main__":
    main(os.environ)
