"""A Blender that is killed while its engine is at work."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import bpy
from bl_ext.user_default.mixdiff import generation
from bl_ext.user_default.mixdiff.running import session
from bl_ext.user_default.mixdiff.session import Generating

sys.path.insert(0, str(Path(__file__).parent))
from scenes import street

report: Any
phase = sys.argv[1]
scene = street()
scene.mixdiff.num_inference_steps = 900
scene.mixdiff.scheduler = "ddim"
generation.begin(scene, bpy.context.evaluated_depsgraph_get())
end = time.monotonic() + 60
while phase != "starting" and time.monotonic() < end:
    session.pump(wait_s=0.005)
    if isinstance(session.state, Generating) and session.state.phase == phase:
        break
report({"pid": session.engine_pid, "state": repr(session.state), "killed_at": time.time()})
os.kill(os.getpid(), signal.SIGKILL)
