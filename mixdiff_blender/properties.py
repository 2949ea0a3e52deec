"""What the add-on keeps in the scene: `Object.mixdiff` for regions, `Scene.mixdiff` for the canvas.

The names are the job's keys. A seed may be larger than Blender's whole numbers and may be left to
chance: it is kept as digits, and scripts read and set it as `seed` and `region_seed`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import bpy

from . import history_properties
from .contexts import view_layer_in
from .contract import (
    BUNDLED_MODEL,
    SCHEDULERS,
    SEED,
    Image2ImageRegion,
    Job,
    RerollRegion,
    Text2ImageRegion,
)
from .declarations import choice_items, declared, props

REROLL_TYPE = "reroll"
SCHEDULER_OF_MODEL = "own"

_TYPE_ITEMS = [
    (Text2ImageRegion.TYPE, "Text", "Painted from a prompt"),
    (Image2ImageRegion.TYPE, "Image", "Starts from a picture"),
    (REROLL_TYPE, "Reroll", "Draws the random start of this part of the picture anew"),
]


def _only_digits(name: str) -> Callable[[Any, bpy.types.Context], None]:
    def clean(settings: Any, context: bpy.types.Context) -> None:
        typed: str = getattr(settings, name)
        digits = "".join(letter for letter in typed if letter in "0123456789").lstrip("0") or "0"
        number = min(int(digits[:20]), cast(int, SEED.maximum))
        kept = str(number) if any(letter.isdigit() for letter in typed) else ""
        if kept != typed:
            setattr(settings, name, kept)

    return clean


def _digits(seed: int | None) -> str:
    if seed is None:
        return ""
    if complaint := SEED.complaint(seed):
        raise ValueError(f"{complaint.message}; {complaint.remedy}, or None for a random one")
    return str(seed)


class RegionSettings(bpy.types.PropertyGroup):
    """What an object asks for, in the part of the picture that it covers."""

    __slots__ = ()

    if TYPE_CHECKING:
        enabled: bool
        type: str
        prompt: str
        negative_prompt: str
        guidance_scale: float
        randomize_guidance: bool
        mask_type: str
        mask_weight: float
        region_seed_digits: str
        noise_eps: float
        reference_image: bpy.types.Image | None
        strength: float
        reroll_mode: str

    @property
    def region_seed(self) -> int | None:
        """The seed of this region alone; None for a random one."""
        return int(self.region_seed_digits) if self.region_seed_digits else None

    @region_seed.setter
    def region_seed(self, seed: int | None) -> None:
        self.region_seed_digits = _digits(seed)


class CanvasSettings(bpy.types.PropertyGroup):
    """What is the same for the whole picture."""

    __slots__ = ()

    if TYPE_CHECKING:
        model: str
        scheduler: str
        num_inference_steps: int
        seed_digits: str
        negative_prompt: str
        cpu_vae: bool
        decode_steps: bool
        noise_device: str
        result: bpy.types.Image | None
        result_seed: str
        active_region: int
        output_folder: str
        history: Any
        active_history: int

    @property
    def seed(self) -> int | None:
        """The seed of the picture; None for a random one."""
        return int(self.seed_digits) if self.seed_digits else None

    @seed.setter
    def seed(self, seed: int | None) -> None:
        self.seed_digits = _digits(seed)


def _active_region(settings: CanvasSettings) -> int:
    scene = cast(bpy.types.Scene, settings.id_data)
    active = view_layer_in(bpy.context).objects.active
    return scene.objects.find(active.name) if active else -1


def _select_region(settings: CanvasSettings, index: int) -> None:
    scene = cast(bpy.types.Scene, settings.id_data)
    layer = view_layer_in(bpy.context)
    chosen = scene.objects[index]
    if chosen.name not in layer.objects:
        return
    for obj in layer.objects:
        obj.select_set(obj == chosen)
    layer.objects.active = chosen


RegionSettings.__annotations__ = {
    "enabled": props.BoolProperty(
        name="Region", description="This object is a region of the picture", default=False
    ),
    "type": props.EnumProperty(
        name="Type", description="What fills the region (type)", items=_TYPE_ITEMS
    ),
    **{
        name: declared(Text2ImageRegion, name)
        for name in ("prompt", "guidance_scale", "mask_type", "mask_weight", "noise_eps")
    },
    "negative_prompt": declared(
        Text2ImageRegion,
        "negative_prompt",
        description="What to keep out of this region; empty for the canvas's (negative_prompt)",
    ),
    "randomize_guidance": props.BoolProperty(
        name="Random Guidance", description="Draw the guidance at random (guidance_scale: null)"
    ),
    "region_seed_digits": props.StringProperty(
        name="Own Seed",
        description="Seed of everything drawn for this region alone; empty for a random one "
        "(region_seed)",
        update=_only_digits("region_seed_digits"),
    ),
    "reference_image": props.PointerProperty(
        name="Picture",
        description="The picture to start from (reference_image)",
        type=bpy.types.Image,
    ),
    "strength": declared(Image2ImageRegion, "strength", subtype="FACTOR"),
    "reroll_mode": declared(RerollRegion, "reroll_mode"),
}

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
        update=_only_digits("seed_digits"),
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
    "result": props.PointerProperty(
        name="Result", description="The last picture that was made", type=bpy.types.Image
    ),
    "result_seed": props.StringProperty(options={"HIDDEN"}),
    **history_properties.ANNOTATIONS,
    "active_region": props.IntProperty(get=_active_region, set=_select_region, options={"HIDDEN"}),
}


def region_settings(obj: bpy.types.Object) -> RegionSettings:
    """Return an object's settings."""
    return cast(RegionSettings, obj.mixdiff)  # type: ignore[attr-defined]


def canvas_settings(scene: bpy.types.Scene) -> CanvasSettings:
    """Return a scene's settings."""
    return cast(CanvasSettings, scene.mixdiff)  # type: ignore[attr-defined]


CLASSES = (*history_properties.CLASSES, RegionSettings, CanvasSettings)


def attach() -> None:
    """Give objects and scenes their settings."""
    bpy.types.Object.mixdiff = props.PointerProperty(type=RegionSettings)  # type: ignore[attr-defined]
    bpy.types.Scene.mixdiff = props.PointerProperty(type=CanvasSettings)  # type: ignore[attr-defined]


def detach() -> None:
    """Take the settings away; what files hold of them stays in the files."""
    del bpy.types.Scene.mixdiff  # type: ignore[attr-defined]
    del bpy.types.Object.mixdiff  # type: ignore[attr-defined]
