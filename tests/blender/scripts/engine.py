"""The engine seen from Blender: its memory, its queue, its report; what is said without one."""

import os
import sys
import time
from pathlib import Path
from typing import Any

import bpy
from bl_ext.user_default.mixdiff.backend import idle, installing, models
from bl_ext.user_default.mixdiff.backend.report import report_text
from bl_ext.user_default.mixdiff.backend.running import session, wait
from bl_ext.user_default.mixdiff.backend.wording import state_text
from bl_ext.user_default.mixdiff.properties import preferences
from bl_ext.user_default.mixdiff.results import generation
from bl_ext.user_default.mixdiff.storage import folders
from scenes import render, street

report: Any
told: dict[str, Any] = {}
scene = street()
chosen = bpy.context.preferences.addons["bl_ext.user_default.mixdiff"].preferences


def poll(name: str) -> bool:
    return bool(getattr(bpy.ops.mixdiff, name).poll())


def start() -> None:
    generation.begin(scene, bpy.context.evaluated_depsgraph_get())


# Without an engine.
python = os.environ.pop("MIXDIFF_ENGINE_PYTHON")
installing.look_again()
status = installing.status()
told["absent"] = [status.environment, status.is_own, str(status.fault)]
os.environ["MIXDIFF_ENGINE_PYTHON"] = sys.executable  # which has none of the packages
start()
wait()
told["no packages"] = generation.last_report(scene).text
os.environ["MIXDIFF_ENGINE_PYTHON"] = python
installing.look_again()
told["chosen"] = [installing.status().is_own, installing.status().fault]
told["before"] = [poll("free_memory"), poll("stop_engine"), poll("remove_job"), session.has_model]

# Opening somebody else's file starts nothing and writes nothing.
blend = str(folders.user_folder() / "from someone else.blend")
scene.mixdiff.model = "owner/name"
bpy.ops.wm.save_as_mainfile(filepath=blend)
before = sorted(str(path) for path in folders.user_folder().rglob("*"))
bpy.ops.wm.open_mainfile(filepath=blend)
told["opened"] = [
    session.engine_pid,
    session.is_busy,
    installing.task.is_running or models.task.is_running,
    sorted(str(path) for path in folders.user_folder().rglob("*")) == before,
]
scene = street()

# A queue of four: the third is moved to the front, the last is removed.
for _ in range(4):
    start()
second, third, fourth = session.queue
bpy.ops.mixdiff.move_job(index=1, places=-1)
told["moved"] = session.queue == (third, second, fourth)
bpy.ops.mixdiff.remove_job()
told["removed"] = session.queue == (third, second)
told["names"] = [job.order.output.name for job in (session.current, *session.queue)]
wait()
told["state"] = state_text(session.state)

# Memory: by hand, after a while of quiet, before a render.
told["has_model"] = [session.has_model]


def used() -> int:
    pages = int(Path(f"/proc/{session.engine_pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


bpy.ops.mixdiff.free_memory()
told["has_model"].append(session.has_model)
start()
wait()
now = time.monotonic()
idle.look(now)
idle.look(now + preferences.idle_minutes() * 60 - 1)
told["has_model"].append(session.has_model)
idle.look(now + preferences.idle_minutes() * 60 + 1)
told["has_model"].append(session.has_model)
start()
wait()
render(scene, str(folders.session_folder() / "kept.png"))
told["has_model"].append(session.has_model)
chosen.free_before_render = True
render(scene, str(folders.session_folder() / "freed.png"))
told["has_model"].append(session.has_model)
told["unloading"] = session.is_unloading
start()
wait()
told["has_model"].append(session.has_model)

# The report, with secrets around.
os.environ["HF_TOKEN"] = "a-very-secret-token"
log = session._client.log
log.write("Authorization: Bearer hf_abcdefghijklmnop and a-very-secret-token")
told["report"] = report_text()
told["home"] = str(Path.home())
told["log"] = folders.log_file().read_text()
bpy.ops.mixdiff.copy_report()

# An idle engine that dies is noticed.
pid = session.engine_pid
os.kill(pid, 9)
end = time.monotonic() + 10
while state_text(session.state) != "Failed" and time.monotonic() < end:
    idle.look(time.monotonic())
    time.sleep(0.05)
told["died"] = state_text(session.state)
start()
wait()
told["after"] = state_text(session.state)

# A model of the hub: asked for offline, fetched, used, removed.
os.environ["HF_TOKEN"] = ""
scene.mixdiff.model = "owner/name"


def tried(operator: Any, **settings: Any) -> Any:
    try:
        return list(operator(**settings))
    except RuntimeError as error:
        return str(error)


bpy.context.preferences.system.use_online_access = False
told["hub"] = [tried(bpy.ops.mixdiff.download_model)]
bpy.context.preferences.system.use_online_access = True
told["hub"] += [
    models.is_missing("owner/name"),
    tried(bpy.ops.mixdiff.generate),
    tried(bpy.ops.mixdiff.download_model, model="owner/else"),
    tried(bpy.ops.mixdiff.download_model),
    models.task.state.__class__.__name__,
    models.is_missing("owner/name"),
    tried(bpy.ops.mixdiff.generate),
    tried(bpy.ops.mixdiff.remove_model),
    models.is_missing("owner/name"),
]
tried(bpy.ops.mixdiff.choose_model, model="bundled")
told["chosen_model"] = scene.mixdiff.model

told["stopped"] = list(bpy.ops.mixdiff.stop_engine())
told["at_last"] = [state_text(session.state), session.engine_pid]
report(told)
