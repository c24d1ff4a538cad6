"""The repository of the team in the sandbox: this project's own files, with this world's values for its pipelines."""

import re
import shutil
import sys
from pathlib import Path

from sandbox.azure.place import Place
from sandbox.edge.edge import REGISTRY
from sandbox.edge.twin import HOST_NAME

PROJECT = Path(__file__).parents[1]
PUSHED = ("bot", "commands", "storage", "infra", "requirements", "pyproject.toml", "README.md", "LICENSE")
VARIABLES = Path("infra/provision/pipelines/variables.yml")
NOT_PUSHED = shutil.ignore_patterns("__pycache__", "*.egg-info")


def furnish(folder: Path, policy: Path, place: Place) -> Path:
    """Writes the repository's files into `folder`, which it makes, with the policy file beside them."""
    folder.mkdir(parents=True)
    for name in PUSHED:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=NOT_PUSHED)
        else:
            shutil.copy(source, folder / name)
    shutil.copy(policy, folder / "spotter.toml")
    variables = folder / VARIABLES
    values = {
        "RESOURCE_GROUP": place.group,
        "WORKSPACE_NAME": place.workspace,
        "LOCATION": place.region,
        "IOTHUB_HOSTNAME": HOST_NAME,
        "REGISTRY": REGISTRY,
        "PYTHON_VERSION": f"'{sys.version_info.major}.{sys.version_info.minor}'",
    }
    variables.write_text(_with_values(variables.read_text(), values))
    return folder


def _with_values(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text, found = re.subn(rf"(?m)^(  {name}: ).*$", rf"\g<1>{value}", text)
        if found != 1:
            raise ValueError(f"{VARIABLES} does not set {name} once")
    return text
