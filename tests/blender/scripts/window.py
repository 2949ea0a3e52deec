"""Opens the sidebar's tab in a real window, and tells in a file what goes on there.

Measures how long the add-on holds the main thread: the processor's time, since a loaded machine
says nothing about the add-on.
"""

import json
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import bpy

ADDON = "bl_ext.user_default.mixdiff"
folder = Path(sys.argv[sys.argv.index("--") + 1])
engine = import_module(f"{ADDON}.backend.engine")
job_cache = import_module(f"{ADDON}.ui.job_cache")
drawing = import_module(f"{ADDON}.ui.overlay.drawing")
scripting = import_module(f"{ADDON}.scripting")
live_preview = import_module(f"{ADDON}.backend.live_preview")
generation = import_module(f"{ADDON}.results.generation")
results = import_module(f"{ADDON}.ui.operators.results")

preferences = bpy.context.preferences
preferences.view.show_splash = False
preferences.use_preferences_save = False
held_ms: dict[str, list[float]] = {}
shown = 0


def measured(name: str, function: Any) -> Any:
    """Return a function that notes how long it took."""

    def wrapper(*arguments: Any) -> Any:
        start_s = time.thread_time()
        try:
            return function(*arguments)
        finally:
            held_ms.setdefault(name, []).append((time.thread_time() - start_s) * 1000)

    return wrapper


engine._tick = measured("tick", engine._tick)
job_cache._read = measured("read", job_cache._read)
drawing.draw = measured("draw", drawing.draw)


def view() -> tuple:
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    regions = {region.type: region for region in area.regions}
    return window, area, regions["UI"], regions["WINDOW"]


def frame() -> list[float] | None:
    """Return the camera's frame in pixels of the screen: left, top, right, bottom."""
    window, area, _, region = view()
    scene, layer = window.scene, window.view_layer
    if layer.depsgraph is None or area.spaces.active.region_3d.view_perspective != "CAMERA":
        return None
    found = drawing.frame_in(scene, layer.depsgraph, region, area.spaces.active.region_3d)
    left, bottom = region.x + found.left, region.y + found.bottom
    height = window.height
    return [left, height - bottom - found.height, left + found.width, height - bottom]


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
