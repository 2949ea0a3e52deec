"""Jobs that are cancelled or lose their engine, and what comes after."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
from bl_ext.user_default.mixdiff import operators
from bl_ext.user_default.mixdiff.session import SESSION, Generating

sys.path.insert(0, str(Path(__file__).parent))
from scenes import street

report: Any
told: dict[str, Any] = {}
scene = street()


def start() -> None:
    SESSION.generate(scene, operators.scene_job(bpy.context), None)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, SESSION.state
        SESSION.drain()
        time.sleep(0.01)


def in_phase(phase: str) -> Callable[[], bool]:
    return lambda: isinstance(SESSION.state, Generating) and SESSION.state.phase == phase


def outcome() -> dict[str, Any]:
    ended = SESSION.wait()
    error = ended.error
    kind = error.kind if error else None
    return {"kind": kind, "says": str(error), "state": type(SESSION.state).__name__}


# The engine's Python is not there.
python = os.environ["MIXDIFF_ENGINE_PYTHON"]
os.environ["MIXDIFF_ENGINE_PYTHON"] = "/nowhere/python"
try:
    bpy.ops.mixdiff.generate()
except RuntimeError as error:
    told["no_python"] = str(error)
os.environ["MIXDIFF_ENGINE_PYTHON"] = python

scene.mixdiff.num_inference_steps = 1000
scene.mixdiff.scheduler = "ddim"
start()
told["busy"] = bool(bpy.ops.mixdiff.generate.poll())
until(in_phase("sampling"))
SESSION.cancel()
told["cancelled"] = outcome()

told["killed"] = {}
for phase in ("starting", "loading", "sampling"):
    SESSION.stop()
    start()
    if phase != "starting":
        until(in_phase(phase))
    os.kill(SESSION._client.pid, signal.SIGKILL)
    told["killed"][phase] = outcome()

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
told["kept_file"] = Path(SESSION.outcome.result["output"]).is_file()

pid = SESSION._client.pid
SESSION.stop()
try:
    os.kill(pid, 0)
    told["orphan"] = True
except ProcessLookupError:
    told["orphan"] = False
report(told)
