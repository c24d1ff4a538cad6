"""Logs a run's metrics, parameters and tags through MLflow's REST interface, as Azure ML serves it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping

import urllib3

from sandbox.trainer.errors import TrainingError

RETRIES = urllib3.Retry(
    total=8,
    backoff_factor=0.3,
    backoff_max=10,
    status_forcelist=(429, 500, 502, 503, 504),
    allowed_methods=None,
    raise_on_status=False,
)
NOT_IN_A_KEY = re.compile(r"[^\w\-. /]")


class Tracking:
    """One run at a tracking server; logs nothing where the environment names no server."""

    def __init__(self, uri: str | None, run_id: str, token: str, ca_file: str | None) -> None:
        self.address = uri and f"{uri.replace('azureml://', 'https://')}/api/2.0/mlflow/runs/log-batch"
        self.run_id = run_id
        self.headers = {"Authorization": f"Bearer {token}"}
        self.pool = urllib3.PoolManager(
            ca_certs=ca_file, retries=RETRIES, timeout=urllib3.Timeout(connect=10, read=60)
        )

    @classmethod
    def from_environment(cls) -> Tracking:
        """As a job finds it: MLFLOW_TRACKING_URI, _TOKEN, MLFLOW_RUN_ID and REQUESTS_CA_BUNDLE."""
        get = os.environ.get
        return cls(
            get("MLFLOW_TRACKING_URI"),
            get("MLFLOW_RUN_ID", "local"),
            get("MLFLOW_TRACKING_TOKEN", ""),
            get("REQUESTS_CA_BUNDLE"),
        )

    def log(
        self,
        metrics: Mapping[str, float] | None = None,
        step: int = 0,
        params: Mapping[str, object] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """One log-batch call. TrainingError if the server refuses it or stays away."""
        if self.address is None:
            return
        now = int(time.time() * 1000)
        body = {
            "run_id": self.run_id,
            "metrics": [
                {"key": metric_key(key), "value": value, "timestamp": now, "step": step}
                for key, value in (metrics or {}).items()
            ],
            "params": [{"key": key, "value": str(value)} for key, value in (params or {}).items()],
            "tags": [{"key": key, "value": value} for key, value in (tags or {}).items()],
        }
        try:
            answer = self.pool.request("POST", self.address, json=body, headers=self.headers)
        except urllib3.exceptions.HTTPError as error:
            raise TrainingError(f"The tracking server could not be reached: {error}") from error
        if answer.status != 200:
            text = answer.data.decode(errors="replace")[:300]
            raise TrainingError(f"The tracking server refused the run's metrics: {answer.status} {text}")


def metric_key(name: str) -> str:
    """A name that MLflow takes as a metric's key: letters, digits, _ - . / and spaces."""
    return NOT_IN_A_KEY.sub("_", name)
