"""The engine's own Python, and how its process is started."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from .contract import ENGINE_PARENT, errors

PYTHON_VARIABLE = "MIXDIFF_ENGINE_PYTHON"

# The folder that holds `engine/` goes to the end of the search path: in the extension it is the
# add-on's own folder, whose modules (cli.py, for one) must never shadow a library's.
_BOOTSTRAP = (
    "import runpy, sys; sys.path.append(sys.argv.pop(1)); "
    "runpy.run_module('engine', run_name='__main__', alter_sys=True)"
)


def find_python(*, chosen: str, user_folder: Path, variables: Mapping[str, str]) -> Path:
    """Return the Python that runs the engine: the environment variable's, the user's, or our own.

    Raises: EngineError of kind `environment` where it is not there.
    """
    own = user_folder / "environment"
    own = own / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    for wanted, source in (
        (variables.get(PYTHON_VARIABLE, ""), f"the environment variable {PYTHON_VARIABLE}"),
        (chosen, "the add-on's preferences"),
    ):
        if wanted:
            if not Path(wanted).is_file():
                raise errors.EngineError(
                    f"the engine's Python {wanted}, named in {source}, is not there",
                    kind="environment",
                    advice="mend the path, or clear it",
                )
            return Path(wanted)
    if not own.is_file():
        raise errors.EngineError(
            "the engine is not installed",
            kind="environment",
            advice="choose a Python that has engine/requirements.txt and torch installed, "
            "in the add-on's preferences",
        )
    return own


def worker_command(python: Path) -> list[str]:
    """Return the command that starts the engine's worker."""
    return [str(python), "-P", "-u", "-c", _BOOTSTRAP, str(ENGINE_PARENT), "serve"]


def worker_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the worker's environment: ours, less what steers Blender's Python."""
    steering = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV")
    kept = {name: value for name, value in variables.items() if name not in steering}
    return {**kept, "PYTHONNOUSERSITE": "1", "PYTHONUTF8": "1"}
