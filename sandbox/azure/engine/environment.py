"""The environment variables that Azure ML gives a job's process, pointing at the twins."""

import os
import sys
from pathlib import Path

from sandbox.azure.identity import JOB_PRINCIPAL
from sandbox.azure.runs import Run
from sandbox.azure.tokens import ML_RESOURCE
from sandbox.azure.workspace import Workspace

TOKEN_LIFETIME = 24 * 3600
_PASSED_ON = ("HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
SOURCES = Path(__file__).parents[3]
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
}


def job_environment(workspace: Workspace, run: Run, network: dict[str, str], cache: Path) -> dict[str, str]:
    """`network` says how to reach the twins; `cache` keeps compiled programs between trials."""
    place = workspace.place
    token, _ = workspace.tokens.mint(ML_RESOURCE, JOB_PRINCIPAL, lifetime=TOKEN_LIFETIME, run_id=run.run_id)
    python_folder = str(Path(sys.executable).parent)
    return {
        **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        **network,
        **_ONE_THREAD,
        "PATH": os.pathsep.join([python_folder, os.environ.get("PATH", os.defpath)]),
        **({"PYTHONPATH": str(SOURCES)} if run.kind == "trial" else {}),
        "PYTHONUNBUFFERED": "1",
        "JAX_COMPILATION_CACHE_DIR": str(cache),
        "AZUREML_RUN_ID": run.run_id,
        "AZUREML_ROOT_RUN_ID": run.root.run_id,
        "AZUREML_EXPERIMENT_NAME": run.experiment,
        "AZUREML_EXPERIMENT_ID": run.experiment_id,
        "AZUREML_EXPERIMENT_SCOPE": f"{place.arm_id}/experiments/{run.experiment}",
        "AZUREML_ARM_SUBSCRIPTION": place.subscription,
        "AZUREML_ARM_RESOURCEGROUP": place.group,
        "AZUREML_ARM_WORKSPACE_NAME": place.workspace,
        "AZUREML_ARM_PROJECT_NAME": run.experiment,
        "AZUREML_WORKSPACE_ID": place.workspace_id,
        "AZUREML_WORKSPACE_SCOPE": place.arm_id,
        "AZUREML_SERVICE_ENDPOINT": workspace.base_url,
        "AZUREML_DISCOVERY_SERVICE_ENDPOINT": f"{workspace.base_url}/discovery",
        "AZUREML_RUN_HISTORY_SERVICE_ENDPOINT": workspace.base_url,
        "AZUREML_RUN_TOKEN": token,
        "AZUREML_RUN_CONFIGURATION": "azureml-setup/mutated_run_configuration.json",
        "AZ_BATCHAI_CLUSTER_NAME": run.target or "",
        "MLFLOW_TRACKING_URI": workspace.tracking_uri.replace("azureml://", "https://").rstrip("?"),
        "MLFLOW_TRACKING_TOKEN": token,
        "MLFLOW_RUN_ID": run.run_id,
        "MLFLOW_EXPERIMENT_ID": run.experiment_id,
        "MLFLOW_EXPERIMENT_NAME": run.experiment,
        "DEFAULT_IDENTITY_CLIENT_ID": JOB_PRINCIPAL,
        "MSI_ENDPOINT": workspace.identity_url,
        "MSI_SECRET": workspace.identity.job_secret,
    }
