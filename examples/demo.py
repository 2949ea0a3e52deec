"""Generates the picture of the open scene, uses it in the scene, and renders.

Run it inside a Blender that has the extension enabled and examples/street.blend open:
`demo.py --output-folder FOLDER` writes demo.png and demo.blend there. How far it is goes to stderr;
what Blender itself prints goes to stdout.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import sys
from pathlib import Path
from typing import Any

import bpy


def extension() -> Any:
    """Return the enabled extension."""
    names = [
        name for name, _ in bpy.context.preferences.addons.items() if name.endswith(".mixdiff")
    ]
    return importlib.import_module(names[0])


def say_what_paints(model: str) -> None:
    """Say so where the model has learned nothing yet."""
    about = Path(extension().__file__).parent / "engine/bundled/mixdiff.json"
    if model == "bundled" and not json.loads(about.read_text(encoding="utf-8")).get("trained"):
        print("the bundled model has random weights, so the picture is noise", file=sys.stderr)


def render(scene: Any) -> None:
    """Render the scene, and show how far it is."""
    bar = importlib.import_module(f"{extension().__name__}.cli.progress").ProgressBar()

    def show(statistics: str, _: Any = None) -> None:
        if found := re.search(r"Sample (\d+)/(\d+)", statistics):
            done, samples = int(found[1]), int(found[2])
            bar.show("rendering", f"Rendering: sample {done} of {samples}", done / samples)

    bar.show("rendering", "Rendering")
    bpy.app.handlers.render_stats.append(show)
    with bar:
        bpy.ops.render.render(write_still=True)
    bpy.app.handlers.render_stats.remove(show)


def select(items: list[Any]) -> None:
    """Select these objects alone."""
    for item in bpy.context.view_layer.objects:
        item.select_set(item in items)


def main(folder: Path) -> None:
    """Run the whole path: regions, picture, texture, compositor, render."""
    scene: Any = bpy.context.scene
    folder.mkdir(parents=True, exist_ok=True)
    blend, rendered = folder / "demo.blend", folder / "demo.png"
    # Pictures lie beside the .blend, so it gets its own place first.
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))

    say_what_paints(scene.mixdiff.model)
    if code := importlib.import_module(f"{extension().__name__}.cli.main").main(["generate"]):
        sys.exit(code)

    regions = [item for item in scene.objects if item.mixdiff.enabled]
    select([item for item in regions if item.name != "Sky"])
    bpy.ops.mixdiff.use_as_texture()
    # The compositor puts the picture behind the render: there it is the sky.
    scene.objects["Sky"].hide_render = True
    scene.render.film_transparent = True
    scene.render.use_stamp_filename = False  # the render is shown around: not this folder's name
    bpy.ops.mixdiff.use_in_compositor()

    if hasattr(scene.render, "compositor_device"):
        scene.render.compositor_device = "CPU"  # a machine without a screen may have no GPU
    scene.render.image_settings.file_format = "PNG"
    scene.render.filepath = str(rendered)
    render(scene)
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output-folder", type=Path, required=True)
    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    main(parser.parse_args(words).output_folder.absolute())
