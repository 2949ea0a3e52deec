"""Finds a Python on this machine that the locked packages are made for."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ...storage.processes import answer_of

_ASK = "import sys; print('%d.%d' % sys.version_info[:2], sys.executable, sep='|')"
_ASK_S = 30


def find_python(
    versions: Sequence[str], variables: Mapping[str, str], *, fetched: Path
) -> Path | None:
    """Return an interpreter of one of the versions, earlier ones first; None where none is found.

    `fetched` is where uv keeps those that it downloaded. Blender's own comes last: what is made
    from it would break when Blender is replaced.
    """
    for version in versions:
        for candidate in _candidates(version, variables, fetched):
            if found := _asked(candidate, version):
                return found
    own = _asked(sys.executable, "")
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    return own if running in versions else None


def _candidates(version: str, variables: Mapping[str, str], fetched: Path) -> Iterator[str]:
    named = f"python{version}"
    if found := shutil.which(named, path=variables.get("PATH")):
        yield found
    home = Path.home()
    roots = [Path(variables.get("PYENV_ROOT") or home / ".pyenv") / "versions", fetched]
    if sys.platform == "win32":
        local = Path(variables.get("LOCALAPPDATA", home / "AppData/Local"))
        digits = version.replace(".", "")
        yield str(local / f"Programs/Python/Python{digits}/python.exe")
        yield f"C:/Program Files/Python{digits}/python.exe"
        roots.append(Path(variables.get("APPDATA", home)) / "uv/python")
    else:
        data = Path(variables.get("XDG_DATA_HOME") or home / ".local/share")
        roots.append(data / "uv/python")
        yield f"/opt/homebrew/bin/{named}"
        yield f"/usr/local/bin/{named}"
    inside = "python.exe" if sys.platform == "win32" else f"bin/{named}"
    for root in roots:
        for pattern in (f"{version}.*", f"cpython-{version}.*"):
            for path in sorted(root.glob(f"{pattern}/{inside}"), reverse=True):
                yield str(path)


def _asked(candidate: str, version: str) -> Path | None:
    """Return where a candidate really lies if it runs and is of the version."""
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONHOME", "PYTHONPATH")}
    answer = answer_of([candidate, "-I", "-c", _ASK], timeout_s=_ASK_S, variables=kept) or ""
    found, _, path = answer.strip().partition("|")
    return Path(path) if path and (not version or found == version) else None
