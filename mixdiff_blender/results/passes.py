"""Each region's share of a result: layers of a file beside it, and grades of one region."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy

from ..backend import engine
from ..backend.background_task import BackgroundTask, Broken, Finished, TaskProgress
from ..contract import EngineError, Job
from ..properties import HistoryEntry, canvas_settings
from . import history
from .compositor import (
    GRADE,
    PASSES,
    picture_socket,
    placing_in,
    put_in_compositor,
    scaled_to_render,
)

SUFFIX = "-passes.exr"
_LAYER = "Regions"  # as the engine names it
_GRADING = "CompositorNodeHueSat"

Then = Callable[[dict[str, str]], None]


def file_beside(picture: Path) -> Path:
    """Return where a picture's passes lie."""
    return picture.with_name(f"{picture.stem}{SUFFIX}")


def region_named(job: Job, *keys: str) -> str:
    """Return the name of a result's region by its id or name, of which one will do.

    Raises: EngineError of kind `name`.
    """
    for region in job.regions:
        if region.name in keys or region.id in keys:
            return region.name
    names = ", ".join(region.name for region in job.regions)
    raise EngineError(
        f"this result has no region {keys[-1]!r}", kind="name", advice=f"choose one of: {names}"
    )


def write(picture: Path, output: Path) -> None:
    """Write a picture's passes, and return when they are there.

    Raises: EngineError.
    """
    for _ in _lines(picture, output):
        pass


def _lines(
    picture: Path, output: Path, is_cancelled: Callable[[], bool] = lambda: False
) -> Iterator[str]:
    words = ("passes", str(picture), "--output", str(output), "--json")
    return engine.output_of(words, kind="output", is_cancelled=is_cancelled)


class PassesTask:
    """Has the engine write one file of passes at a time, and says so in Blender's thread."""

    def __init__(self) -> None:
        self._task = BackgroundTask()
        self._then: Callable[[], None] | None = None
        self.error: EngineError | None = None

    @property
    def state(self) -> object:
        """What it does, or how it ended."""
        return self._task.state, self.error

    @property
    def is_writing(self) -> bool:
        """Whether a file is being written."""
        return self._task.is_active

    @property
    def is_active(self) -> bool:
        """Whether a file is being written, or nobody has been told of it yet."""
        return self._task.is_active or self._then is not None

    def pump(self, wait_s: float = 0.0) -> None:
        """Tell who asked for the file that it is there."""
        self._task.pump(wait_s)
        if self._task.is_active or self._then is None:
            return
        then, self._then = self._then, None
        if isinstance(self._task.state, Broken):
            self.error = self._task.state.error
        elif isinstance(self._task.state, Finished):
            try:
                then()
            except EngineError as error:
                self.error = error

    def start(self, picture: Path, then: Then) -> None:
        """Begin to write a picture's passes beside it; `then` gets layers by regions' names.

        Without a window they are there on return; with one `error` says later what went wrong.

        Raises: EngineError where it cannot begin, or has failed.
        """
        layers = dict[str, str]()
        lines = _lines(picture, file_beside(picture), self._task.is_cancelled)
        doing = f"the passes of {picture.name} are being written"
        self._task.start(doing, TaskProgress(title=picture.name), _collect(lines, layers))
        self.error, self._then = None, lambda: then(layers)
        engine.keep_going()
        if bpy.app.background:
            while self.is_active:
                engine.pump.run(wait_s=0.05)
            if self.error:
                raise self.error


def _collect(lines: Iterator[str], layers: dict[str, str]) -> Iterator[TaskProgress]:
    for line in lines:
        if line.startswith('{"layers"'):
            layers.update(json.loads(line)["layers"])
            yield TaskProgress(title=line)


task = PassesTask()
engine.pump.sources.append(task)


def grade(scene: bpy.types.Scene, entry: HistoryEntry, region: str) -> None:
    """Write the passes of what a result shows, then grade one of its regions.

    Raises: EngineError, as `PassesTask.start`.
    """
    picture = history.file_at(entry, scene.frame_current)
    uid, key = scene.session_uid, entry.key

    def then(layers: dict[str, str]) -> None:
        # Meanwhile there may have been an undo, after which nothing of before is valid.
        now = next((one for one in bpy.data.scenes if one.session_uid == uid), None)
        shown = history.active_entry(now) if now is not None else None
        image = canvas_settings(now).result if now is not None else None
        if now is None or shown is None or shown.key != key or image is None:
            why = f"{region} is not graded: its result is not shown any more"
            raise EngineError(why, kind="job", advice="choose the result, and grade it again")
        if not placing_in(image, now):
            put_in_compositor(image, now, "BEHIND")
        put_grade(now, file_beside(picture), layers[region], region)
        if not bpy.app.background:
            bpy.ops.ed.undo_push(message=f"Grade {region}")

    task.start(picture, then)


def put_grade(scene: bpy.types.Scene, file: Path, layer: str, region: str) -> None:
    """Put a grade of one region between the picture and what the compositor makes of it.

    A node Hue/Saturation/Value whose factor is the region's share, to be set as one likes; done
    again, the same node stays as it is set.

    Raises: EngineError where the picture is not in the compositor, or the file holds no such layer.
    """
    source, goal, tree = picture_socket(scene)
    nodes, links = tree.nodes, tree.links
    down = -300 * (2 + sum(node.bl_idname == _GRADING for node in nodes))
    passes = nodes.get(PASSES) or _new(
        nodes, "CompositorNodeImage", PASSES, source.node, (-480, down)
    )
    passes.image = bpy.data.images.load(str(file), check_existing=True)
    passes.image.reload()
    passes.layer = _LAYER
    shares = passes.outputs.get(layer)
    if shares is None:
        raise EngineError(
            f"{file} holds no layer {layer!r}", kind="picture", advice="write the passes again"
        )
    name = f"{GRADE} {region}"
    grade = nodes.get(name)
    if grade is None:
        grade = _new(nodes, _GRADING, name, source.node, (240, down))
        links.new(source, grade.inputs["Image"])
        links.new(grade.outputs["Image"], goal)
    share = nodes.get(f"{name} Share") or _new(
        nodes, "CompositorNodeSeparateColor", f"{name} Share", grade, (-240, 0)
    )
    size = nodes.get(f"{name} Size") or _new(
        nodes, "CompositorNodeScale", f"{name} Size", share, (-240, 0)
    )
    scaled_to_render(size, scene)
    links.new(shares, size.inputs["Image"])
    links.new(size.outputs["Image"], share.inputs["Image"])
    factor = next(socket for socket in grade.inputs if socket.name in ("Fac", "Factor"))
    links.new(share.outputs["Alpha"], factor)


def _new(nodes: Any, kind: str, name: str, beside: Any, by: tuple[int, int]) -> Any:
    node = nodes.new(kind)
    node.name = node.label = name
    node.location = (beside.location.x + by[0], beside.location.y + by[1])
    return node
