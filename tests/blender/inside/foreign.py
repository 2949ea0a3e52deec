"""What tests of files from others share: a project, and what lies around it."""

import hashlib
import zlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import bpy
import pytest
from addon import (
    PANELS,
    Done,
    HistoryList,
    folders,
    png,
    queue,
)
from scenes import street

SIDES = {"row_init": 0, "row_end": 64, "col_init": 0, "col_end": 64}
JOB: dict[str, Any] = {
    **{"seed": 1, "canvas_width": 64, "canvas_height": 64},
    "regions": [{"type": "text2image", "prompt": "x", **SIDES}],
}


def write_result(path: Path, document: Any) -> None:
    """Write a picture that holds a job, as the engine does."""
    with path.open("wb") as file:
        png.write_head(file, (8, 8))
        png.write_note(file, png.JOB_KEY, document)
        png.write_chunk(file, b"IDAT", zlib.compress(bytes(8 * (1 + 3 * 8))))
        png.write_chunk(file, b"IEND")


class World:
    """A project that came from someone else, and what else lies on this computer."""

    def __init__(self, root: Path) -> None:
        self.root, self.project, self.home = root, root / "project", root / "home"
        self.outside = root / "outside"
        for folder in (
            self.project / "mixdiff",
            self.home / "mixdiff",
            self.outside / "sources",
            self.project / "a",
        ):
            folder.mkdir(parents=True)
        (self.home / "diary.txt").write_text("dear diary")
        (self.outside / "key.png").write_text("not a picture")
        self.mine = self.outside / "mine-0001.png"
        write_result(self.mine, JOB)
        write_result(self.outside / "sources" / "photo.png", {})
        (self.project / "link.png").symlink_to(self.mine)
        (self.project / "way").symlink_to(self.outside)
        self.scene = street()
        bpy.ops.wm.save_as_mainfile(filepath=str(self.project / "street.blend"))
        self.before = self.files()

    def files(self) -> dict[Path, str]:
        """Return all files, and what is in them."""
        found = (path for path in self.root.rglob("*") if path.is_file())
        return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in found}

    def require_untouched(self) -> None:
        """See that what was there is there still, and that what came is in its place."""
        now = self.files()
        saved = {path for path in now if path.suffix.startswith(".blend")}
        changed = {p for p, digest in self.before.items() if now.get(p) != digest} - saved
        assert not changed
        results = {folders.results_folder(scene).resolve() for scene in bpy.data.scenes}
        for path in now.keys() - self.before.keys() - saved:
            parents = {path.parent.resolve(), path.parent.parent.resolve()}
            assert parents & {*results, self.project / "mixdiff", self.project / "export"}, path
            assert path.suffix in {".png", ".json"}


def foreign_world(folder: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return the world in a folder, whose home is in it too, and where no engine runs."""
    monkeypatch.setenv("HOME", str(folder / "home"))

    def add(request: Any, on_end: Callable[[Any], None]) -> None:
        write_result(request.output, request.document)
        on_end(Done(output=request.output, document=request.document, problems=(), timings_s={}))

    monkeypatch.setattr(queue, "add", add)
    return World(folder)


def kept(owner: Any) -> Any:
    """Return what a file holds of an owner's settings, whatever their types."""
    get = getattr(owner, "bl_system_properties_get", None)
    held = get(do_create=True) if get else owner
    if "mixdiff" not in held:
        held["mixdiff"] = {}
    return held["mixdiff"]


def draw_panels(scene: Any) -> None:
    settings = SimpleNamespace(system=SimpleNamespace(ui_scale=1.0))
    layer = bpy.context.view_layer
    context = SimpleNamespace(
        **{"scene": scene, "view_layer": layer, "object": layer.objects.active},
        **{"active_object": layer.objects.active, "selected_objects": []},
        **{"region": SimpleNamespace(width=300), "preferences": settings},
        space_data=SimpleNamespace(shading=SimpleNamespace(type="SOLID")),
    )
    layout = MagicMock()
    for panel in PANELS:
        panel.draw(MagicMock(layout=layout), context)
    for entry in scene.mixdiff.history[:9]:
        HistoryList.draw_line(MagicMock(), context, layout, entry)
    assert layout.method_calls
