"""A Python, `az` and `docker` for one job, as a hosted agent has them: what is installed ends with the job.

It knows the packages that the sandbox itself runs with, so that requirements are met already and need no network; it
knows nothing of their commands, nor of the sandbox's own code.
"""

import os
import site
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[3]
WITHOUT_NETWORK = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
"""For pip: no registry is asked, also not for what builds a package (0 switches isolation off)."""


def own_python(folder: Path) -> Path:
    """Makes a virtual environment in `folder`; the folder of its commands, for the PATH."""
    commands = folder / "bin"
    commands.mkdir(parents=True)
    real = Path(sys.executable).resolve()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    (folder / "pyvenv.cfg").write_text(f"home = {real.parent}\ninclude-system-site-packages = false\n")
    packages = folder / "lib" / f"python{version}" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "image.pth").write_text("".join(f"{path}\n" for path in site.getsitepackages()))
    for name in ("python", "python3", f"python{version}"):
        (commands / name).symlink_to(real)
    for name in ("pip", "pip3"):
        (commands / name).write_text(f'#!/bin/sh\nexec "{commands}{os.sep}python" -m pip "$@"\n')
        (commands / name).chmod(0o755)
    for name in ("az", "docker"):
        command = f'PYTHONPATH="{PROJECT}" exec "{sys.executable}" -m sandbox.devops.{name} "$@"'
        (commands / name).write_text(f"#!/bin/sh\n{command}\n")
        (commands / name).chmod(0o755)
    return commands
