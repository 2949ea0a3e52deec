"""Finds the Python that the engine runs in, and says how to start the engine there."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..contract import ENGINE_FOLDER, EngineError, is_file, path_in
from .client import Launch
from .installation.plan import InstallPlan

PYTHON_VARIABLE = "MIXDIFF_ENGINE_PYTHON"

# The folder that holds engine/ also holds the add-on's own modules. It goes to the end of the
# search path (and -P keeps the current folder away from its start), so that cli.py or contract.py
# there cannot stand in for a library's module of that name.
_BOOTSTRAP = (
    "import runpy, sys; "
    "sys.path.append(sys.argv.pop(1)); "
    "runpy.run_module('engine', run_name='__main__', alter_sys=True)"
)

# What a Python says that is too old, or lacks a package or a part of one.
_NO_PACKAGES = re.compile(r"No module named|ImportError|cannot import name|SyntaxError")

# Variables that steer Blender's Python must not steer another one.
_FOREIGN_VARIABLES = ("PYTHONPATH", "PYTHONHOME")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A Python that may run the engine, and who named it."""

    path: Path
    named_by: str
    is_own: bool = False


def own_python(user_folder: Path) -> Path:
    """Return where the extension's own environment has its Python."""
    return InstallPlan(folder=user_folder).python


def named_python(*, variables: Mapping[str, str], preference: str, user_folder: Path) -> Candidate:
    """Return the Python that is to run the engine, there or not: the first that somebody named."""
    if named := variables.get(PYTHON_VARIABLE):
        return Candidate(path=path_in(Path(), named), named_by=f"the variable {PYTHON_VARIABLE}")
    if preference:
        return Candidate(path=Path(preference), named_by="the add-on's preferences")
    return Candidate(path=own_python(user_folder), named_by="the extension", is_own=True)


def choose_python(*, variables: Mapping[str, str], preference: str, user_folder: Path) -> Candidate:
    """Return the Python that is to run the engine.

    Raises: EngineError of kind `environment` where it is not there.
    """
    chosen = named_python(variables=variables, preference=preference, user_folder=user_folder)
    if is_file(chosen.path):
        return chosen
    if chosen.is_own:
        message = "the engine is not installed"
        advice = (
            "install it with the button in the sidebar's MixDiff tab, or with "
            "`blender -b --online-mode -c mixdiff setup`; or name a Python that has its packages "
            f"in the add-on's preferences or in the variable {PYTHON_VARIABLE}"
        )
    else:
        message = f"the engine's Python, {chosen.path}, is not there (named by {chosen.named_by})"
        advice = "name a Python that has torch and diffusers"
    raise EngineError(message, kind="environment", advice=advice)


def engine_launch(python: Path, variables: Mapping[str, str]) -> Launch:
    """Return how a Python starts the engine's worker."""
    kept = {name: value for name, value in variables.items() if name not in _FOREIGN_VARIABLES}
    return Launch(
        command=(
            *(str(python), "-P", "-u", "-c", _BOOTSTRAP),
            *(str(ENGINE_FOLDER.parent), "serve"),
        ),
        environment={**kept, "PYTHONNOUSERSITE": "1", "PYTHONUTF8": "1"},
    )


def why_it_does_not_begin(error: EngineError, python: Path) -> EngineError:
    """Return the error of an engine that did not begin: as advice where packages are missing."""
    text = f"{error.message}\n{error.advice}"
    if not _NO_PACKAGES.search(text):
        return error
    requirements = ENGINE_FOLDER / "requirements.txt"
    install = shlex.join([str(python), "-m", "pip", "install", "torch", "-r", str(requirements)])
    return EngineError(
        f"the engine's packages are not all in {python}: {error.message}",
        kind="environment",
        advice=f"have the engine installed anew (Repair, in the preferences), or: {install}",
    )


def find_launch(preference: str, user_folder: Path) -> Launch:
    """Return how to start the engine on this machine.

    Raises: EngineError of kind `environment` where its Python is not there.
    """
    chosen = choose_python(variables=os.environ, preference=preference, user_folder=user_folder)
    return engine_launch(chosen.path, os.environ)
