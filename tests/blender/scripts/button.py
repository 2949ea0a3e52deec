"""Presses Generate several times, and notes how long the engine's first word and preview take.

For the part `button` of the performance benchmark: in a Blender whose engine does not run yet, then
with the engine there, and at last in one whose tab was opened a while before.
"""

import time
from importlib import import_module
from typing import Any

import bpy
from scenes import add_camera, add_region, empty_scene

report: Any
JOBS = 6
PREVIEW_EVERY_S = 0.5  # as in a window

ADDON = "bl_ext.user_default.mixdiff"
client, states = (import_module(f"{ADDON}.backend.{name}") for name in ("client", "states"))
engine, ahead = import_module(f"{ADDON}.backend.engine"), import_module(f"{ADDON}.ui.ahead")
session = engine.session
heard: dict[str, float] = {}
take = session._transition


def take_and_note(state: Any, event: Any) -> Any:
    if isinstance(event, client.EngineNotification):
        for name in ("word", event.method):
            heard.setdefault(name, time.perf_counter())
    return take(state, event)


def press() -> dict[str, float]:
    """Return the seconds from the button to the engine's first word, and to the first preview."""
    heard.clear()
    pressed = time.perf_counter()
    bpy.ops.mixdiff.generate()
    return {name: heard[name] - pressed for name in ("word", "preview")}


session._transition = take_and_note
session.preview_every_s = PREVIEW_EVERY_S
scene = empty_scene(512, 256)
scene.mixdiff.model = "bundled"
scene.mixdiff.num_inference_steps = 20
add_camera(scene)
for across in (-0.75, 0.75):
    add_region("wall", "red brick wall", size=(2.5, 2), at=(across, 0, 0))

cold, *later = [press() for _ in range(JOBS)]
engine.stop()
session.was_used = False
ahead.begin()
opened = time.perf_counter()
while not isinstance(session.state, states.Ready):
    engine.pump.run(wait_s=0.1)
report(
    {
        "cold": cold,
        "later": later,
        "ready after": time.perf_counter() - opened,
        "opened": press(),
    }
)
