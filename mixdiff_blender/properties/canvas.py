"""What is the same for the whole picture, and the list of its regions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import bpy

from ..contract import BUNDLED_MODEL, SCHEDULERS, Job
from . import history
from .contexts import view_layer_in
from .declarations import choice_items, declared, props
from .regions import RegionEntry
from .seeds import digits_of, only_digits

SCHEDULER_OF_MODEL = "own"


class CanvasSettings(bpy.types.PropertyGroup):
    """What is the same for the whole picture."""

    __slots__ = ()

    if TYPE_CHECKING:
        model: str
        scheduler: str
        num_inference_steps: int
        seed_digits: str
        prompt: str
        background: bool
        tile_size: int
        negative_prompt: str
        cpu_vae: bool
        decode_steps: bool
        noise_device: str
        result: bpy.types.Image | None
        result_seed: str
        show_overlay: bool
        show_preview: bool
        regions: Any  # a collection of RegionEntry
        active_region: int
        chosen_region: int
        output_folder: str
        history: Any  # a collection of HistoryEntry
        active_history: int

    @property
    def seed(self) -> int | None:
        """The seed of the picture; None for a random one."""
        return int(self.seed_digits) if self.seed_digits else None

    @seed.setter
    def seed(self, seed: int | None) -> None:
        self.seed_digits = digits_of(seed)


def _active_region(settings: CanvasSettings) -> int:
    active = view_layer_in(bpy.context).objects.active
    if active is not None:
        for index, entry in enumerate(settings.regions):
            if entry.object == active:
                return index
    return min(settings.chosen_region, len(settings.regions) - 1)


def _select_region(settings: CanvasSettings, index: int) -> None:
    if not 0 <= index < len(settings.regions):
        return
    settings.chosen_region = index
    chosen = settings.regions[index].object
    objects = view_layer_in(bpy.context).objects
    if chosen is not None and objects.get(chosen.name) != chosen:
        return
    for obj in list(objects.selected):
        obj.select_set(False)
    objects.active = chosen
    if chosen is not None:
        chosen.select_set(True)


CanvasSettings.__annotations__ = {
    "model": declared(Job, "model", default=BUNDLED_MODEL),
    "scheduler": declared(
        Job,
        "scheduler",
        items=[
            (SCHEDULER_OF_MODEL, "The Model's Own", "The method that the model was made for"),
            *choice_items(SCHEDULERS),
        ],
    ),
    "seed_digits": props.StringProperty(
        name="Seed",
        description="The same seed gives the same picture again; empty for a random one (seed)",
        update=only_digits("seed_digits"),
    ),
    **{
        name: declared(Job, name)
        for name in (
            "num_inference_steps",
            "negative_prompt",
            "cpu_vae",
            "decode_steps",
            "noise_device",
        )
    },
    "prompt": props.StringProperty(
        name="Prompt",
        description="What the whole picture is: added to each region's prompt, or wrapped around "
        "it where this holds {prompt}",
    ),
    "background": props.BoolProperty(
        name="Fill Gaps",
        description="Paint what no region covers from the prompt of the whole picture "
        "(a first region of little weight over the whole canvas)",
        default=True,
    ),
    "tile_size": props.IntProperty(
        name="Tile Size",
        description="Regions larger than this are painted as overlapping tiles with the same "
        "prompt; 0 for the size that the model was made for",
        min=0,
        soft_max=2048,
        step=64,
        subtype="PIXEL",
    ),
    "regions": props.CollectionProperty(
        name="Regions", description="The picture's regions, in the job's order", type=RegionEntry
    ),
    "chosen_region": props.IntProperty(options={"HIDDEN"}),
    "result": props.PointerProperty(
        name="Result", description="The last picture that was made", type=bpy.types.Image
    ),
    "show_overlay": props.BoolProperty(
        name="Show Regions",
        description="Show in the camera's view what each region covers and how its weight fades",
        default=True,
    ),
    "show_preview": props.BoolProperty(
        name="Preview in View",
        description="Show the picture in the camera's view while it is being made",
        default=True,
    ),
    "result_seed": props.StringProperty(options={"HIDDEN"}),
    **history.ANNOTATIONS,
    "active_region": props.IntProperty(get=_active_region, set=_select_region, options={"HIDDEN"}),
}


def canvas_settings(scene: bpy.types.Scene) -> CanvasSettings:
    """Return a scene's settings."""
    return cast(CanvasSettings, scene.mixdiff)  # type: ignore[attr-defined]


CLASSES = (CanvasSettings,)
