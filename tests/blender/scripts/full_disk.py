"""Disks that are full, then cannot be written, under everything that the add-on writes."""

import base64
import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bl_ext.user_default.mixdiff import scripting
from bl_ext.user_default.mixdiff.backend import live_preview
from bl_ext.user_default.mixdiff.backend.engine import session, stop, wait
from bl_ext.user_default.mixdiff.results import generation, history
from bl_ext.user_default.mixdiff.storage import folders
from bl_ext.user_default.mixdiff.storage.images import png_of
from scenes import street

report: Any
folder = Path(sys.argv[1])
disk, elsewhere = folder / "disk", folder / "elsewhere"
user = folders.user_folder()
told: dict[str, Any] = {}
PREVIEW = base64.b64encode(png_of(np.zeros((100, 100, 3), dtype=np.uint8))).decode()


def mount(path: Path, *options: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", str(path)], check=True)


def fill(path: Path) -> None:
    with (path / "filling").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass


def tried(action: Any) -> Any:
    """Return what an action told the person, or what kind of fault it was if it told nothing."""
    try:
        return action() or "done"
    except scripting.EngineError as error:
        return f"{error.kind}: {error}"


def make() -> Any:
    """Make the scene's picture as the button does."""
    generation.begin(scene, bpy.context.evaluated_depsgraph_get())
    wait()
    found = generation.last_report(scene)
    assert found is not None
    return found.text if found.error else "done"


def files(path: Path) -> list[str]:
    """Return the names and sizes of what is there."""
    return sorted(f"{p.name} {p.stat().st_size}" for p in path.rglob("*") if p.is_file())


def painted() -> Any:
    """Make the left region one that follows a picture which only Blender has."""
    image = bpy.data.images.new("in memory", 64, 64)
    image.pixels.foreach_set(np.random.default_rng(1).random(64 * 64 * 4, dtype=np.float32))
    bpy.data.objects["left"].mixdiff.type = "image2image"
    bpy.data.objects["left"].mixdiff.reference_image = image
    return image


for path in (disk, elsewhere, user):
    path.mkdir(parents=True, exist_ok=True)
mount(user, "-o", "size=256k")
mount(disk, "-o", "size=2m")
try:
    # The extension's own folder is full, or cannot be written: its log, its pictures on their way.
    scene = street()
    bpy.ops.wm.save_as_mainfile(filepath=str(elsewhere / "street.blend"))
    for state in ("full", "read-only"):
        if state == "full":
            fill(user)
        else:
            subprocess.run(["mount", "-o", "remount,ro", str(user)], check=True)
        stop()
        told[state] = {
            "plain": tried(make),
            "preview": live_preview._decoded(PREVIEW) is not None,
            "unsaved": tried(lambda: folders.reserve(folders.unsaved_folder(), "x").name),
        }
        found = session.client
        told[state]["log"] = repr(found.log.fault) if found else None
    subprocess.run(["mount", "-o", "remount,rw", str(user)], check=True)
    painted()
    told["picture on its way"] = tried(make)
    told["left there"] = files(user / "sessions")
    (user / "filling").unlink()
    told["again"] = [tried(make), live_preview._decoded(PREVIEW) is not None]
    kept = files(elsewhere / "mixdiff")

    # The folder of the results is full: pictures, what they were painted from, jobs.
    bpy.ops.wm.save_as_mainfile(filepath=str(disk / "street.blend"))
    told["on the disk"] = tried(make)
    told["exported"] = tried(lambda: scripting.export_job(disk / "job.json", scene).name)
    before = files(disk)
    fill(disk)
    painted()
    full = [name for name in files(disk) if not name.startswith("filling")]
    entries = len(scene.mixdiff.history)
    told["picture"] = tried(make)
    told["export"] = tried(lambda: scripting.export_job(disk / "job.json", scene))
    told["explain"] = tried(lambda: scripting.explain(disk / "explained.png", scene))
    told["as before"] = [
        [name for name in files(disk) if not name.startswith("filling")] == full == before,
        len(scene.mixdiff.history) == entries,
        scene.mixdiff.result is not None,
        files(elsewhere / "mixdiff") == kept,
    ]
    (disk / "filling").unlink()
    told["in the end"] = [
        tried(make),
        tried(lambda: scripting.export_job(disk / "job.json", scene).name),
    ]

    # A picture of a file that was never saved; the disk that it is saved to is full.
    scene = street()
    told["never saved"] = tried(make)
    fill(disk)
    before = files(disk)
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(disk / "late.blend"))
    except RuntimeError as error:
        told["saving"] = str(error)
    waits = history.path_of(scene.mixdiff.history[0])
    told["it waits"] = [waits.is_file(), folders.is_unsaved(waits)]
    told["half"] = [name for name in files(disk) if ".mixdiff" in name]
finally:
    stop()
    os.chdir("/")
    for path in (disk, user):
        subprocess.run(["umount", "-l", str(path)], check=True)
report(told)
