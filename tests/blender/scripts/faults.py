"""Jobs that are cancelled or lose their engine, and what comes after."""

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import bpy
from bl_ext.user_default.mixdiff.backend.running import session, stop, wait
from bl_ext.user_default.mixdiff.backend.session import Generating
from bl_ext.user_default.mixdiff.results import generation
from bl_ext.user_default.mixdiff.storage import folders
from scenes import street

report: Any
told: dict[str, Any] = {}
scene = street()


def start() -> None:
    generation.begin(scene, bpy.context.evaluated_depsgraph_get())


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, session.state
        session.pump(wait_s=0.01)


def in_phase(phase: str) -> Callable[[], bool]:
    return lambda: isinstance(session.state, Generating) and session.state.phase == phase


def outcome() -> dict[str, Any]:
    wait()
    report = generation._last
    kind = report.error.kind if report.error else None
    return {"kind": kind, "says": report.text, "state": type(session.state).__name__}


# The engine's Python is not there.
python = os.environ["MIXDIFF_ENGINE_PYTHON"]
os.environ["MIXDIFF_ENGINE_PYTHON"] = "/nowhere/python"
try:
    bpy.ops.mixdiff.generate()
except RuntimeError as error:
    told["no_python"] = str(error)
os.environ["MIXDIFF_ENGINE_PYTHON"] = python

scene.mixdiff.num_inference_steps = 900
scene.mixdiff.scheduler = "ddim"
start()
until(in_phase("sampling"))
told["can_queue"] = bool(bpy.ops.mixdiff.generate.poll())
scene.mixdiff.num_inference_steps = 2
start()
told["queued"] = len(session.queue)
told["outputs"] = len(session.outputs)
session.cancel()
told["second"] = outcome()
scene.mixdiff.num_inference_steps = 900
start()
until(in_phase("sampling"))
session.cancel()
told["cancelled"] = outcome()

start()
until(in_phase("sampling"))
os.kill(session.engine_pid, signal.SIGKILL)
told["killed"] = outcome()

scene.mixdiff.num_inference_steps = 2
start()
told["next"] = outcome()
told["next_size"] = list(scene.mixdiff.result.size)

# The scene is gone when its picture comes.
images = len(bpy.data.images)
start()
bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
told["reopened"] = outcome()
told["reopened_images"] = len(bpy.data.images)
told["kept_files"] = len(list(folders.results_folder().glob("*.png")))

pid = session.engine_pid
stop()
try:
    os.kill(pid, 0)
    told["orphan"] = True
except ProcessLookupError:
    told["orphan"] = False
report(told)
