"""Projections baked: read in Blender's thread, computed in one of their own, shown when done."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import bpy

from ...backend import engine
from ...backend.background_task import BackgroundTask, Broken, Finished, Running, TaskProgress
from ...contract import BAKE_KEY, Cancelled, EngineError, atomic_write, encode_png
from ...storage import folders
from ..projection import is_ours, layers_of
from .layers import LayerReader
from .material import put_baked_on
from .seen_colours import Bools, SeenPicture
from .surface import Tile, UnfitMapError, UvSurface, read_surfaces, udim_number
from .texels import BakedTile, bake_tile
from .unwrapping import NAME, ensure_uv_map

_NO_FILE = re.compile(r'[\\/:*?"<>|\x00-\x1f]')
_SHARES = 10_000  # of an object's bake, in which its progress counts


@dataclass(frozen=True, slots=True, kw_only=True)
class BakeOptions:
    """How objects are baked."""

    size_px: int = 2048
    margin_px: int = 16
    new_uv_map: bool = False
    """Whether to use the UV map of our own, made where there is none, in place of the object's."""
    put_on: bool = False
    """Whether the objects show the baked picture afterwards, in place of the projection."""
    folder: Path | None = None
    """Where the pictures go; None for the scene's own folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baked:
    """What was baked of an object."""

    object: str
    image: bpy.types.Image
    files: tuple[Path, ...]
    """One, or one a UDIM tile."""
    uv_map: str
    is_new_map: bool
    """Whether the UV map was made for this."""
    painted: float
    """Which share of its surface a camera saw."""
    overlapping: float
    """Which share of its surface has no place of its own in the UV map."""
    unfit: str
    """Why its own UV map was not used, where it has one."""


@dataclass(slots=True, kw_only=True, eq=False)
class _Plan:
    """An object's bake: what it is of, and what has become of it."""

    uid: int
    name: str
    is_new_map: bool
    surface: UvSurface
    tiles: dict[Tile, Bools]
    pictures: Sequence[SeenPicture]
    note: dict[str, Any]
    path: Path
    is_packed: bool
    files: list[Path] = field(default_factory=list)
    painted: list[tuple[float, float]] = field(default_factory=list)
    """Of each tile how much is painted, and how much has a surface."""
    overlapping: float = 0.0
    unfit: str = ""
    """Why the object's own UV map is not used."""

    def give_up(self) -> None:
        """Release the file's name, if it was not written."""
        folders.release(self.path)


Then = Callable[[Sequence[Baked]], None]


class BakeTask:
    """Bakes objects, one after the other, without holding the window up."""

    def __init__(self) -> None:
        self._task = BackgroundTask()
        self._then: Callable[[], None] | None = None
        self.error: EngineError | None = None
        self.outcome: tuple[str, ...] = ()
        """What was baked last and what is doubtful about it, in sentences."""

    @property
    def state(self) -> object:
        """What it does, or how it ended."""
        return self._task.state, self.error, self.outcome

    @property
    def progress(self) -> TaskProgress | None:
        """How far it is, None while nothing is baked."""
        state = self._task.state
        return state.progress if isinstance(state, Running) and self._task.is_active else None

    @property
    def is_active(self) -> bool:
        """Whether something is baked, or nobody has been told of it yet."""
        return self._task.is_active or self._then is not None

    def cancel(self) -> None:
        """Have nobody wait for it: it ends by itself, and what was not written yet is not."""
        self._task.cancel()
        self._task = BackgroundTask()
        self._then = None

    def pump(self, wait_s: float = 0.0) -> None:
        """Show what is ready."""
        self._task.pump(wait_s)
        if self._task.is_active or self._then is None:
            return
        then, self._then = self._then, None
        if isinstance(self._task.state, Broken):
            self.error = self._task.state.error
        elif isinstance(self._task.state, Finished):
            then()

    def start(
        self, plans: Sequence[_Plan], options: BakeOptions, then: Then = lambda _: None
    ) -> None:
        """Begin; without a window all is done on return, with one `error` says what went wrong.

        Raises: EngineError where it cannot begin, or has failed.
        """
        self.cancel()
        self.error, self.outcome = None, ()
        names = ", ".join(plan.name for plan in plans)
        doing = f"the projection on {names} is being baked"
        steps = _steps(plans, options, self._task.is_cancelled)
        self._task.start(doing, TaskProgress(title=plans[0].name), steps)

        def show() -> None:
            baked = _shown(plans, options)
            files = [file.name for one in baked for file in one.files]
            names = files[0] if len(files) == 1 else f"{len(files)} pictures, {files[0]} first"
            doubts = (line for one in baked for line in in_words(one))
            self.outcome = (f"Baked: {names}", *doubts)
            then(baked)

        self._then = show
        engine.keep_going()
        if bpy.app.background:
            while self.is_active:
                engine.pump.run(wait_s=0.05)
            if self.error:
                raise self.error


def _steps(
    plans: Sequence[_Plan], options: BakeOptions, is_cancelled: Callable[[], bool]
) -> Iterator[TaskProgress]:
    total = _SHARES * sum(len(plan.tiles) for plan in plans)
    done = 0
    try:
        for plan in plans:
            for tile in plan.tiles:
                for share in _bake(plan, tile, options):
                    if is_cancelled():
                        raise Cancelled()
                    at = done + int(share * _SHARES)
                    yield TaskProgress(title=plan.name, done_bytes=at, total_bytes=total)
                done += _SHARES
    finally:
        for plan in plans:
            plan.give_up()


def _bake(plan: _Plan, tile: Tile, options: BakeOptions) -> Iterator[float]:
    """Bake a tile and write it; yields how much is done."""
    baked = BakedTile.empty(options.size_px)
    yield from bake_tile(baked, plan.surface, plan.tiles[tile], tile, plan.pictures)
    levels = baked.levels(options.margin_px)
    yield 1.0
    path = plan.path
    if len(plan.tiles) > 1 or tile != (0, 0):
        path = path.with_name(f"{path.stem}.{udim_number(tile)}{path.suffix}")
    size = (options.size_px, options.size_px)
    notes = {BAKE_KEY: {**plan.note, "tile": udim_number(tile)}}
    with atomic_write(path) as file:
        file.write(encode_png(size, levels.tobytes(), has_alpha=True, notes=notes))
    plan.files.append(path)
    plan.painted.append((float(baked.seen.sum()), float(baked.covered.sum())))
    plan.overlapping = max(plan.overlapping, baked.overlapping)


def plans_of(
    scene: bpy.types.Scene,
    evaluated: Callable[[], bpy.types.Depsgraph],
    objects: Iterable[bpy.types.Object],
    options: BakeOptions,
) -> tuple[list[_Plan], dict[str, str]]:
    """Return what is to be baked of objects, and why some of them cannot be, by their names.

    `evaluated` returns the scene as it is after UV maps were made.

    Raises: EngineError of kind `output` where nothing can be written.
    """
    depsgraph = evaluated()
    refused: dict[str, str] = {}
    slots: dict[bpy.types.Object, frozenset[int]] = {}
    is_new = set[Any]()
    for obj in objects:
        try:
            slots[obj] = _slots_of(obj)
            if _needs_map(obj, depsgraph, options) and ensure_uv_map(obj):
                is_new.add(obj.data)
        except EngineError as error:
            slots.pop(obj, None)
            refused[obj.name] = _why(error)
    surfaces = read_surfaces(scene, evaluated(), slots, NAME if options.new_uv_map else "")
    reader = LayerReader(scene.frame_current)
    plans: list[_Plan] = []
    unfit: dict[bpy.types.Object, str] = {}
    for obj, surface in surfaces.items():
        try:
            if isinstance(surface, EngineError):
                raise surface
            plans.append(_plan_of(scene, obj, surface, reader, options.folder, obj.data in is_new))
        except UnfitMapError as error:
            unfit[obj] = error.message
        except EngineError as error:
            if error.kind == "output":
                raise
            refused[obj.name] = _why(error)
    if unfit:
        instead, also = plans_of(scene, evaluated, unfit, replace(options, new_uv_map=True))
        for plan in instead:
            plan.unfit = next(why for obj, why in unfit.items() if obj.name == plan.name)
        plans, refused = plans + instead, refused | also
    return plans, refused


def _why(error: EngineError) -> str:
    return f"{error.message}; {error.advice}" if error.advice else error.message


def _slots_of(obj: Any) -> frozenset[int]:
    """Return the material slots that show a projection."""
    if obj.mode == "EDIT":
        raise EngineError("it is in Edit Mode", kind="job", advice="leave it (Tab)")
    slots = frozenset(n for n, slot in enumerate(obj.material_slots) if is_ours(slot.material))
    if not slots:
        raise EngineError("nothing is projected onto it", kind="job", advice="project onto it")
    return slots


def _needs_map(obj: Any, depsgraph: bpy.types.Depsgraph, options: BakeOptions) -> bool:
    """Return whether an object is baked to the UV map of our own."""
    shown: Any = obj.evaluated_get(depsgraph).data
    return options.new_uv_map or (obj.type == "MESH" and not len(shown.uv_layers))


def _plan_of(
    scene: bpy.types.Scene,
    obj: bpy.types.Object,
    surface: UvSurface,
    reader: LayerReader,
    folder: Path | None,
    is_new_map: bool,
) -> _Plan:
    if not len(surface.triangles):
        raise EngineError("no face shows the projection", kind="job", advice="project onto it")
    layers = layers_of(obj)
    tiles = surface.tiles()
    pictures = reader.pictures(layers, surface)
    stem = f"{Path(bpy.data.filepath).stem or 'untitled'}-{_NO_FILE.sub('_', obj.name)}"
    path = folders.reserve(folder or folders.results_folder(scene), stem)
    return _Plan(
        uid=obj.session_uid,
        name=obj.name,
        is_new_map=is_new_map,
        surface=surface,
        tiles=tiles,
        pictures=pictures,
        note={
            "object": obj.name,
            "uv_map": surface.uv_map,
            "pictures": [reader.note(layer) for layer in layers],
        },
        path=path,
        is_packed=folders.is_unsaved(path),
    )


def _shown(plans: Sequence[_Plan], options: BakeOptions) -> list[Baked]:
    """Return what was baked, as images, and on the objects where that was asked."""
    objects: dict[int, Any] = {obj.session_uid: obj for obj in bpy.data.objects}
    found = []
    for plan in plans:
        image = _image_of(plan)
        obj = objects.get(plan.uid)  # not there any more after an undo
        if options.put_on and obj is not None:
            put_baked_on(image, obj, plan.surface.uv_map)
        painted, covered = (sum(column) for column in zip(*plan.painted, strict=True))
        found.append(
            Baked(
                object=plan.name,
                image=image,
                files=tuple(plan.files),
                uv_map=plan.surface.uv_map,
                is_new_map=plan.is_new_map,
                painted=painted / covered if covered else 0.0,
                overlapping=plan.overlapping,
                unfit=plan.unfit,
            )
        )
    if not bpy.app.background:
        bpy.ops.ed.undo_push(message="Bake MixDiff Projection")
    return found


def _image_of(plan: _Plan) -> bpy.types.Image:
    image: Any = bpy.data.images.load(str(plan.files[0]))
    image.name = plan.path.stem
    if plan.files != [plan.path]:
        image.source = "TILED"
        image.filepath = str(plan.path.with_name(f"{plan.path.stem}.<UDIM>{plan.path.suffix}"))
        numbers = [udim_number(tile) for tile in plan.tiles]
        for number in numbers:
            if number not in {tile.number for tile in image.tiles}:
                image.tiles.new(tile_number=number)
        for tile in list(image.tiles):
            if tile.number not in numbers:
                image.tiles.remove(tile)
    # What lies under what is not seen is the islands' margin, and no colour of its own.
    image.alpha_mode = "CHANNEL_PACKED"
    if plan.is_packed:
        image.pack()
    elif bpy.data.filepath:
        with suppress(ValueError):  # on Windows another drive has no relative path
            image.filepath_raw = bpy.path.relpath(image.filepath_raw)
    made: bpy.types.Image = image
    return made


def in_words(baked: Baked) -> Iterator[str]:
    """Yield what is doubtful about a bake."""
    if baked.painted == 0:
        yield f"{baked.object}: no camera saw any of it"
    if baked.unfit:
        yield f"{baked.object}: {baked.unfit}; baked to the UV map {baked.uv_map} in its place"
    if baked.overlapping:
        yield (
            f"{baked.object}: {baked.overlapping:.0%} of its surface has no place of its own in "
            "the UV map, and shows what is seen of another part (use the UV map MixDiff, or "
            "apply the modifiers that repeat it)"
        )


task = BakeTask()
engine.pump.sources.append(task)
