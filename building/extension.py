"""The extension's zip."""

from __future__ import annotations

import os
import tomllib
import zipfile
from pathlib import Path

from building.environments import BPY, read_stamp
from building.programs import CHECKOUT, BuildError, run


def manifest_version() -> str:
    """Return the version that blender_manifest.toml gives the extension."""
    manifest = tomllib.loads((CHECKOUT / "blender_manifest.toml").read_text(encoding="utf-8"))
    return str(manifest["version"])


def extension_files() -> dict[str, Path]:
    """Return every file of the extension: its name in the zip, and where it is in the checkout."""
    files = {name: CHECKOUT / name for name in ("blender_manifest.toml", "LICENSE")}
    for folder, inside in ((CHECKOUT / "mixdiff_blender", ""), (CHECKOUT / "engine", "engine/")):
        for path in folder.rglob("*"):
            relative = path.relative_to(folder)
            hidden = any(part.startswith((".", "__pycache__")) for part in relative.parts)
            if path.is_file() and not hidden and path.suffix not in (".pyc", ".pyo"):
                files[inside + relative.as_posix()] = path
    return dict(sorted(files.items()))


def build_zip(folder: Path) -> Path:
    """Write the extension's zip into a folder; the same files give the same bytes."""
    if not (CHECKOUT / "mixdiff_blender/__init__.py").is_file():
        raise BuildError("mixdiff_blender/__init__.py is not there, so there is no add-on to pack.")
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"mixdiff-{manifest_version()}.zip"
    aside = target.with_suffix(f".{os.getpid()}.part")
    try:
        with zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, path in extension_files().items():
                entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
                entry.external_attr = 0o100644 << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, path.read_bytes())
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    aside.replace(target)
    return target


def extension_tool() -> tuple[list[str | Path], Path] | None:
    """Return Blender's own tool for extensions, as a command, and the tags that it knows.

    None where no bpy wheel is installed, in which it comes along.
    """
    for environment in reversed(BPY):
        if read_stamp(environment):
            scripts = next(environment.folder.glob("**/bpy/*/scripts"))
            tool = scripts / "addons_core/bl_pkg/cli/blender_ext.py"
            return [environment.python, tool], scripts / "modules/_bpy_internal/extensions/tags.py"
    return None


def validate_zip(archive: Path) -> bool:
    """Let Blender's own validator judge a zip; False where no bpy wheel is installed to do it."""
    if not (found := extension_tool()):
        return False
    tool, tags = found
    run([*tool, "validate", f"--valid-tags={tags}", archive])
    return True
