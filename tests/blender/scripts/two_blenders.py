"""One of two Blenders that share a user folder and a .blend, and press the same buttons at once."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
from bl_ext.user_default.mixdiff.backend import installing
from bl_ext.user_default.mixdiff.backend.engine import pump, session, stop, wait, wait_for
from bl_ext.user_default.mixdiff.backend.installation.plan import InstallPlan
from bl_ext.user_default.mixdiff.backend.states import Generating
from bl_ext.user_default.mixdiff.contract import EngineError
from bl_ext.user_default.mixdiff.results import generation
from bl_ext.user_default.mixdiff.storage import folders
from scenes import street

report: Any
name, other, shared = sys.argv[1], sys.argv[2], Path(sys.argv[3])
blend = str(shared / "street.blend")
told: dict[str, Any] = {}


def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 500
    while not condition():
        assert time.monotonic() < end, f"{name}: {what}"
        pump.run()
        time.sleep(0.02)


def meet(point: str) -> None:
    """Wait until the other one is there too."""
    (shared / f"{point} {name}").touch()
    until((shared / f"{point} {other}").exists, point)


def kinds() -> list[str]:
    return [end.kind if isinstance(end, EngineError) else "done" for end in ends]


# Both open the same file, and each has three pictures made; one loses its engine meanwhile.
if name == "a":
    street()
    bpy.ops.wm.save_as_mainfile(filepath=blend)
meet("the file is there")
bpy.ops.wm.open_mainfile(filepath=blend)
scene = bpy.context.scene
scene.mixdiff.scheduler = "ddim"
ends: list[Any] = []
# The job to be lost is long, and its engine is held: it cannot end while the other one starts.
for steps in (1000 if name == "a" else 20, 20, 20):
    scene.mixdiff.num_inference_steps = steps
    generation.begin(scene, bpy.context.evaluated_depsgraph_get(), then=ends.append)
until(lambda: isinstance(session.state, Generating), "a job runs")
if name == "a":
    os.kill(session.engine_pid, signal.SIGSTOP)
meet("both are at work")
if name == "a":
    os.kill(session.engine_pid, signal.SIGKILL)
wait()
told["ends"] = kinds()
told["files"] = [Path(bpy.path.abspath(entry.file)).name for entry in scene.mixdiff.history]
told["engine"] = session.engine_pid
told["log"] = folders.log_file().name
told["logged"] = folders.log_file().read_text()
meet("both are through")
told["sessions"] = len(list((folders.user_folder() / "sessions").iterdir()))

# One ends its engine; the other has another picture made in its own, which went on.
if name == "a":
    stop()
meet("one has stopped")
if name == "b":
    told["mine is there"] = folders.session_folder().is_dir()
    generation.begin(scene, bpy.context.evaluated_depsgraph_get(), then=ends.append)
    wait()
    told["same engine"] = session.engine_pid == told["engine"]
    told["last"] = kinds()[-1]

# Both install at once.
lock, torch = Path(os.environ["TEST_LOCK"]), Path(os.environ["TEST_TORCH_LOCK"])
plan = InstallPlan(
    folder=folders.user_folder(),
    lock=lock,
    torch="tinytorch==1.0",
    torch_lock=torch,
    torch_cpu_lock=torch,
    torch_build="published",
    pythons=(f"{sys.version_info.major}.{sys.version_info.minor}",),
    check="import alpha, tinytorch",
    needed_bytes=10**6,
)
installing.plan = lambda: plan
bpy.context.preferences.system.use_online_access = True
meet("both install")
try:
    installing.start()
    wait_for(installing.task)
except EngineError as error:
    told["installed"] = error.message
else:
    told["installed"] = "done"
meet("both have installed")
told["state"] = plan.state()
report(told)
