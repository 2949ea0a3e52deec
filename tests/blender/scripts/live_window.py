"""Live before the eyes of a test: moves an object when asked, and tells what is seen and when.

Measures how long each function of the add-on holds the main thread that Blender calls there, by the
processor's time: handlers, timers, what draws over the view, the panel on top.
"""

import json
import sys
import time
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
folders = import_module(f"{ADDON}.storage.folders")
of_live = import_module(f"{ADDON}.results.live")
live = of_live.live
of_live.MOST_S = 1e6  # of a machine that others share
panel = import_module(f"{ADDON}.ui.panels.generate").GeneratePanel

preferences = bpy.context.preferences
preferences.view.show_splash = False
preferences.use_preferences_save = False
held_ms: dict[str, list[float]] = {}
shown = moves = 0
moved_s = 0.0
seen_picture: Any = None
looks: list[dict[str, Any]] = []


def watch_all() -> None:
    """Have all that Blender calls measured."""
    events = [name for name in dir(bpy.app.handlers) if name.endswith(("_post", "_pre", "_init"))]
    for event in events:
        listeners: Any = getattr(bpy.app.handlers, event)
        for index, listener in enumerate(list(listeners)):
            if (listener.__module__ or "").startswith(ADDON):
                name = f"{event} of {listener.__module__.removeprefix(ADDON)}"
                listeners[index] = bpy.app.handlers.persistent(measured(name, listener, held_ms))
    if bpy.app.timers.is_registered(engine._tick):
        bpy.app.timers.unregister(engine._tick)
    engine._tick = measured("tick", engine._tick, held_ms)
    job_cache._read = measured("read", job_cache._read, held_ms)
    drawing.draw = drawn
    for name in ("_draw_state", "_draw_bar", "_draw_messages", "_draw_queue"):
        setattr(panel, name, measured(f"panel {name}", getattr(panel, name), held_ms))


_draw = measured("draw over the view", drawing.draw, held_ms)


def drawn(context: Any) -> None:
    """Draw, and note when a picture is seen for the first time."""
    global seen_picture
    _draw(context)
    if live.picture is not seen_picture:
        seen_picture = live.picture
        if seen_picture is not None:
            since_s = time.perf_counter() - moved_s
            look = seen_picture.look
            size = (look.job.canvas_width, look.job.canvas_height)
            looks.append({"full": look.is_full, "since_move_s": since_s, "size": size})


def tell() -> None:
    window, _, sidebar, _ = view()
    told = {
        "tab": getattr(sidebar, "active_panel_category", ""),
        "frame": frame(),
        "shown": shown,
        "moves": moves,
        "on": live.is_on(window.scene),
        "says": live.text,
        "fresh": live.is_fresh,
        "full": live.picture is not None and live.picture.look.is_full,
        "looks": looks,
        "folders": len(list(folders.session_folder().glob("job-*"))),
        "results": len(window.scene.mixdiff.history),
        "held_ms": held_ms,
    }
    aside = folder / "told.part"
    aside.write_text(json.dumps(told))
    aside.replace(folder / "told.json")


def move(by: float) -> None:
    global moves, moved_s
    moves += 1
    obj = view()[0].scene.objects["House left"]
    obj.location.x += by if moves % 8 < 4 else -by
    moved_s = time.perf_counter()


def watch() -> float | None:
    global shown
    shown += 1
    _, area, sidebar, _ = view()
    if shown == 10:
        area.spaces.active.show_region_ui = True
        area.spaces.active.region_3d.view_perspective = "CAMERA"
    elif shown == 20:
        sidebar.active_panel_category = "MixDiff"
        watch_all()
        engine.keep_going()
    elif shown > 30 and shown % 3 == 0:
        tell()
    if (folder / "move").exists():
        (folder / "move").unlink()
        move(0.5)
    if (folder / "drag").exists():
        move(0.1)
    if not (folder / "rest").exists():
        area.tag_redraw()
    if (folder / "quit").exists():
        bpy.ops.wm.quit_blender()
        return None
    return 0.1


bpy.app.timers.register(watch, first_interval=1)
