"""A Blender that is killed in the middle of a shot's third frame; and one that goes on with it."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import bpy
from addon import Generating, scripting, session, shot
from scenes import street

report: Any
blend = Path(sys.argv[1])


def kill() -> None:
    running = shot.current()
    if isinstance(session.state, Generating) and running is not None and len(running.made) == 2:
        os.kill(os.getpid(), signal.SIGKILL)


if not blend.exists():
    scene = street()
    scene.mixdiff.num_inference_steps = 20  # long enough to be in the middle of a frame
    left = scene.objects["left"]
    for frame, at in ((1, -0.75), (4, 0.75)):
        left.location.x = at
        left.keyframe_insert("location", frame=frame)
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    scripting.generate_range("1-4", on_progress=kill)
else:
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    made = scripting.generate_range("1-4", resume=True)
    names = [entry.name for entry in bpy.context.scene.mixdiff.history]
    report({"is_new": [frame.is_new for frame in made.frames], "history": names})
