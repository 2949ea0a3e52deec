"""Opens the sidebar's tab in a real window, and tells in a file what goes on there.

Measures how long the add-on holds the main thread: the processor's time, since a loaded machine
says nothing about the add-on.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import bpy

sys.path.append(str(Path(__file__).parent))

from camera_view import drawing, frame, measured, view

ADDON = "bl_ext.user_default.mixdiff"
folder = Path(sys.argv[sys.argv.index("--") + 1])
engine = import_module(f"{ADDON}.backend.engine")
job_cache = import_module(f"{ADDON}.ui.job_cache")
scripting = import_module(f"{ADDON}.scripting")
live_preview = import_module(f"{ADDON}.backend.live_preview")
generation = import_module(f"{ADDON}.results.generation")
results = import_module(f"{ADDON}.ui.operators.results")

preferences = bpy.context.preferences
preferences.view.show_splash = False
preferences.use_preferences_save = False
held_ms: dict[str, list[float]] = {}
shown = 0


engine._tick = measured("tick", engine._tick, held_ms)
job_cache._read = measured("read", job_cache._read, held_ms)
drawing.draw = measured("draw", drawing.draw, held_ms)


def read_last(scene: Any) -> dict[str, list[int]]:
    """Return where the panel and the overlay have the regions, without asking for more."""
    job = job_cache.last_cached_job(scene).job
    return {region.name: region.bounds for region in job.job.all_regions} if job else {}


def uses(window: Any) -> list[str]:
    """Return how the picture is used, by the operators."""
    image = window.scene.mixdiff.result
    with bpy.context.temp_override(window=window):
        return [
            use.bl_idname
            for use in results.USES
            if image and use.buttons and use.applied(image, bpy.context)
        ]


def tell() -> None:
    window, _, sidebar, _ = view()
    scene = window.scene
    state = engine.session.state
    tool = window.workspace.tools.from_space_view3d_mode("OBJECT").idname
    report = generation.last_report(scene)
    listed = [entry.object for entry in scene.mixdiff.regions if entry.object]
    told = {
        "tab": getattr(sidebar, "active_panel_category", ""),
        "frame": frame(),
        "shown": shown,
        "modal": [operator.bl_idname for operator in window.modal_operators],
        "busy": engine.queue.is_busy,
        "painting": [
            one.job.request.output.name
            for one in engine.queue.sessions
            if one.job and getattr(one.state, "progress", None) and one.state.progress.step
        ],
        "results": len(scene.mixdiff.history),
        "state": type(state).__name__,
        "step": state.progress.step if hasattr(state, "progress") else 0,
        "preview": live_preview.of(engine.session.job) is not None,
        "background": scene.mixdiff.background_prompt,
        "over the view": scene.mixdiff.show_result,
        "result": list(scene.mixdiff.result.size) if scene.mixdiff.result else None,
        "uses": uses(window),
        "selected": sum(obj.select_get() for obj in window.view_layer.objects),
        "regions": [[r.name, *map(list, r.rectangles)] for r in scripting.regions(scene)],
        "listed": [obj.name for obj in listed],
        "read": read_last(scene),
        "prompts": {obj.name: obj.mixdiff.prompt for obj in listed},
        "says": report.text if report else "",
        "active": getattr(window.view_layer.objects.active, "name", ""),
        "tool": tool,
        "held_ms": held_ms,
    }
    aside = folder / "told.part"
    aside.write_text(json.dumps(told))
    aside.replace(folder / "told.json")


def watch() -> float | None:
    global shown
    shown += 1
    window, area, sidebar, _ = view()
    if shown == 4:
        area.spaces.active.show_region_ui = True
        area.spaces.active.region_3d.view_perspective = "CAMERA"
    elif shown == 8:
        sidebar.active_panel_category = "MixDiff"
        layer = window.view_layer
        layer.objects.active = layer.objects.get("House left")
    elif shown > 12:
        tell()
    if (script := folder / "run.py").exists():
        exec(script.read_text(), {"bpy": bpy})
        script.unlink()
    if (folder / "longer").exists() and window.scene.mixdiff.num_inference_steps < 900:
        window.scene.mixdiff.num_inference_steps = 900
    if (folder / "tool").exists():
        with bpy.context.temp_override(window=window, area=area):
            bpy.ops.wm.tool_set_by_id(name=(folder / "tool").read_text())
        (folder / "tool").unlink()
    if (folder / "quit").exists():
        bpy.ops.wm.quit_blender()
        return None
    return 0.25


bpy.app.timers.register(watch, first_interval=1)
