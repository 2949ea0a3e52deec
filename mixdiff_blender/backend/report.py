"""What somebody who helps needs to know: versions, devices, the last lines of the log."""

from __future__ import annotations

import platform
import sys

import bpy

from .. import package
from ..storage import folders
from . import engine, installing
from .background_task import Broken
from .installation.faults import gigabytes
from .logs import redacted
from .session import Failed
from .wording import state_text

_LINES = 60


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
        "engine": state_text(session.state),
        "engine's environment": status.environment if status.is_own else "chosen by the user",
        **{f"engine's {name}": value for name, value in session.facts.items()},
        "size": gigabytes(installing.plan().size_bytes()),
        "folder": str(folder),
    }
    parts = ["\n".join(f"{name}: {value}" for name, value in facts.items())]
    faults = [status.fault]
    if isinstance(session.state, Failed):
        faults.append(session.state.error)
    if isinstance(installing.task.state, Broken):
        faults.append(installing.task.state.error)
    parts += [f"fault: {fault}" for fault in faults if fault]
    parts.append("\n".join(_last_lines()))
    return redacted("\n\n".join(parts)) + "\n"


def _last_lines() -> list[str]:
    """Return the end of this Blender's log, or of the latest that another one left."""
    own = folders.log_file()
    earlier = sorted(own.parent.glob("*.log"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in (own, *earlier):
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        if lines:
            whose = "the log" if path == own else f"an earlier log, {path.name}"
            return [f"last lines of {whose}:", *lines[-_LINES:]]
    return ["there is no log yet"]


def _version() -> str:
    manifest = package.FOLDER / "blender_manifest.toml"
    try:
        lines = manifest.read_text(encoding="utf-8").splitlines()
    except OSError:
        return f"unknown ({sys.platform})"
    found = [line.partition("=")[2].strip(' "') for line in lines if line.startswith("version ")]
    return found[0] if found else "unknown"
