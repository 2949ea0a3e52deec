"""What somebody who helps needs to know: versions, devices, the last lines of the log."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import bpy

from .. import package
from ..contract import BUNDLED_MODEL, EngineError, require_model
from ..properties import canvas_settings
from ..properties.contexts import scene_in
from ..storage import folders
from . import engine, installing
from .background_task import Broken
from .installation.faults import gigabytes
from .logs import redacted
from .states import Failed
from .wording import state_text

_LINES = 60
_OWN = {"absent": "not installed", "outdated": "installed, and has an update", "ready": "installed"}


def engine_text() -> str:
    """Return which engine there is, in one line."""
    status, size = installing.status(), ""
    if status.environment != "absent":
        size = f" ({gigabytes(installing.plan().size_bytes())})"
    own = f"{_OWN[status.environment]}{size}"
    if status.is_own:
        return own
    there = "is not there" if status.fault else "is used"
    return f"{status.python} {there} (named by {status.named_by}); the extension's own is {own}"


def report_text() -> str:
    """Return the report, without tokens, passwords or the name of the user's home."""
    session = engine.session
    status = installing.status()
    folder = folders.user_folder()
    facts = {
        "MixDiff": _version(),
        "Blender": bpy.app.version_string,
        "system": platform.platform(),
        "Blender's Python": platform.python_version(),
        "online access": "yes" if bpy.app.online_access else "no",
        "engine": "cannot start" if status.fault else state_text(session.state),
        "engine's environment": engine_text(),
        **{f"engine's {name}": value for name, value in session.facts.items()},
        "model": _model(),
        "folder": str(folder),
    }
    parts = ["\n".join(f"{name}: {value}" for name, value in facts.items())]
    faults = [status.fault]
    if isinstance(session.state, Failed):
        faults.append(session.state.error)
    if isinstance(installing.task.state, Broken):
        faults.append(installing.task.state.error)
    parts += [f"fault: {fault}" for fault in faults if fault]
    parts.append("\n".join(_log_lines()))
    return redacted("\n\n".join(parts)) + "\n"


def _model() -> str:
    name = canvas_settings(scene_in(bpy.context)).model.strip() or BUNDLED_MODEL
    if name == BUNDLED_MODEL:
        return name
    blend = bpy.data.filepath
    named = str(folders.absolute(name, blend)) if name.startswith("//") else name
    try:
        require_model(named, Path(blend).parent)
    except EngineError as error:
        return str(error)
    return f"{name}, which is here"


def _log_lines() -> list[str]:
    """Return the last lines of this run's log, or of the last run that has one."""
    log = folders.log_file()
    if not log.is_file():
        others = sorted(log.parent.glob("*.log"), key=lambda file: file.stat().st_mtime)
        if not others:
            return ["there is no log yet"]
        log = others[-1]
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        return [f"the log cannot be read: {error.strerror}"]
    whose = "" if log == folders.log_file() else f" of an earlier run ({log.name})"
    return [f"last lines of the log{whose}:", *lines[-_LINES:]]


def _version() -> str:
    manifest = package.FOLDER / "blender_manifest.toml"
    try:
        lines = manifest.read_text(encoding="utf-8").splitlines()
    except OSError:
        return f"unknown ({sys.platform})"
    found = [line.partition("=")[2].strip(' "') for line in lines if line.startswith("version ")]
    return found[0] if found else "unknown"
