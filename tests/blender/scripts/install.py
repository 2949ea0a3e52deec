"""From nothing to a picture: the engine installed by its button, used offline, and removed."""

import os
import sys
import time
from typing import Any

import bpy
from bl_ext.user_default.mixdiff.backend import engine, installing
from scenes import street

report: Any
del os.environ["MIXDIFF_ENGINE_PYTHON"]
told: dict[str, Any] = {}
scene = street()


def generate() -> Any:
    try:
        return list(bpy.ops.mixdiff.generate())
    except RuntimeError as error:
        return str(error)


told["before"] = generate()
bpy.context.preferences.system.use_online_access = True
told["installed"] = list(bpy.ops.mixdiff.install_engine())
installing.look_again()
told["standing"] = installing.status().environment
told["size"] = installing.plan().size_bytes()
end = time.monotonic() + 60
while not installing.size_on_disk() and time.monotonic() < end:
    time.sleep(0.1)
told["shown"] = installing.size_on_disk()
bpy.context.preferences.system.use_online_access = False
told["made"] = generate()
told["torch"] = engine.session.facts["torch"]
told["python"] = engine.session.facts["python"]
told["in_its_folder"] = str(installing.plan().python).startswith(bpy.utils.resource_path("USER"))
told["modules"] = [name for name in ("torch", "diffusers") if name in sys.modules]
told["removed"] = list(bpy.ops.mixdiff.remove_engine())
told["left"] = installing.plan().size_bytes()
told["after"] = generate()
report(told)
