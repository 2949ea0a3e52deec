"""What is the same for the whole picture, and the list of its regions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import bpy

from ..contract import (
    BUNDLED_MODEL,
    SCHEDULERS,
    SHIFTING,
    WEIGHTS,
    Job,
    Text2ImageRegion,
    facts_of,
)
from .contexts import select, view_layer_in
from .controls import ControlSettings
from .declarations import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
    choice_items,
    declared,
    noticed,
)
from .history import HistorySettings
from .loras import lora_list
from .references import reference_list
from .regions import WINDOW_ITEMS, RegionEntry, index_of
from .seeds import only_digits, seed_in
from .suggestions import SUGGESTED

SCHEDULER_OF_MODEL = "own"
RENDER_SIZE = "render"
LOOK_FRAME, LOOK_AROUND = "frame", "around"
_BUNDLED = facts_of(BUNDLED_MODEL)

when_model_chosen: Callable[[bpy.types.Scene], None] | None = None
"""What follows the choice of another model; set by those who know what suits one."""


def _model_chosen(settings: Any, context: bpy.types.Context) -> None:
    if when_model_chosen is not None:
        when_model_chosen(settings.id_data)


def _active_region(settings: CanvasSettings) -> int:
    active = view_layer_in(bpy.context).objects.active
    if active is not None:
        found = index_of(settings.regions, active)
        if found is not None:
            return found
    return min(settings.chosen_region, len(settings.regions) - 1)


def _select_region(settings: CanvasSettings, index: int) -> None:
    if not 0 <= index < len(settings.regions):
        return
    settings.chosen_region = index
    chosen = settings.regions[index].object
    if chosen is None or view_layer_in(bpy.context).objects.get(chosen.name) == chosen:
        select(bpy.context, chosen)


@noticed
class CanvasSettings(HistorySettings, bpy.types.PropertyGroup):
    """What is the same for the whole picture."""

    __slots__ = ()

    model: str = declared(Job, default=BUNDLED_MODEL, update=_model_chosen)
    settings_of = StringProperty(
        description="The model whose settings the values have that nobody chose",
        default=BUNDLED_MODEL,
        options={"HIDDEN"},
    )
    defaults_version = IntProperty(options={"HIDDEN"})
    canvas_size: str = EnumProperty(
        name="Size",
        description="How large the picture is made, in the shape of the render",
        items=[
            ("draft", "Draft", "As large as one region that the model knows: quick to judge by"),
            ("good", "Good", "Twice as many pixels: regions have room for what they show"),
            (RENDER_SIZE, "Render", "The size of a render, pixel by pixel"),
        ],
        default="good",
    )
    look: str = EnumProperty(
        name="Look",
        description="What of the surroundings the picture shows",
        items=[
            (LOOK_FRAME, "Camera's Frame", "What renders show; all around with a panoramic camera"),
            (
                LOOK_AROUND,
                "All Around",
                "A world: all that is around the camera's place, whatever its lens, twice as wide "
                "as high (equirectangular). The middle is ahead, the horizon level",
            ),
        ],
    )
    calm_poles_deg: float = declared(
        Job,
        default=25.0,
        description="Degrees around zenith and nadir in which the picture grows even, so that "
        "nothing swirls there (calm_poles_deg)",
    )
    scheduler: str = declared(
        Job,
        items=[
            (SCHEDULER_OF_MODEL, "The Model's Own", "The method that the model was made for"),
            *choice_items(tuple(SCHEDULERS)),
        ],
    )
    seed_digits = StringProperty(
        name="Seed",
        description="The same seed gives the same picture again; empty for a random one (seed)",
        update=only_digits("seed_digits"),
    )
    num_inference_steps: int = declared(Job, default=_BUNDLED.num_inference_steps)
    guidance_scale: float = declared(
        Text2ImageRegion,
        default=_BUNDLED.guidance_scale,
        description="How closely the background follows its prompt; regions begin with it "
        "(guidance_scale)",
    )
    negative_prompt: str = declared(Job)
    prompt_syntax: str = declared(Job, default=WEIGHTS)
    loras: Any = lora_list("LoRAs of the whole picture (loras)")
    wrap: str = declared(Job)
    base_prompt: str = declared(
        Job,
        description="What the whole picture shows, its regions included; empty for the prompts of "
        "background and regions, one after the other (base_prompt)",
        **SUGGESTED,
    )
    base_strength: float = declared(Job, subtype="FACTOR")
    base_end: float = declared(Job, subtype="FACTOR")
    cpu_vae: bool = declared(Job)
    decode_steps: bool = declared(Job)
    noise_device: str = declared(Job)
    controls: Any = CollectionProperty(
        name="Controls",
        description="What the whole picture is held to, such as the scene's depth",
        type=ControlSettings,
    )
    references: Any = reference_list("Pictures that regions follow which have none of their own")
    prompt = StringProperty(
        name="Style",
        description="How everything looks: added to each prompt, or wrapped around it where this "
        "holds {prompt}",
        **SUGGESTED,
    )
    background_prompt = StringProperty(
        name="Background",
        description="What lies behind the regions and fills what they leave free; without regions, "
        "what the picture shows",
        **SUGGESTED,
    )
    background = BoolProperty(
        name="Fill Gaps",
        description="Paint what no region covers, from the background's prompt and the style "
        "(a first region of little weight over the whole canvas)",
        default=True,
    )
    nearer_first = BoolProperty(
        name="Nearer First",
        description="Where regions with feathered edges overlap, what is nearer to the camera "
        "covers what is farther away, whatever their sizes (mask_weight)",
        default=True,
    )
    coherence: str = EnumProperty(
        name="Holding Together",
        description="What the frames of a shot have in common, beside their seed",
        items=[
            ("still", "Same Noise", "All frames start from the same noise, which lies still"),
            (
                "surfaces",
                "Noise on Surfaces",
                "The noise is fixed to the surfaces and moves with them (noise_map)",
            ),
            (
                "carried",
                "Last Frame Carried",
                "The frame before is moved as the scene moves, and held where it is still seen; "
                "each frame waits for the one before",
            ),
        ],
    )
    carried_strength = FloatProperty(
        name="Carried Strength",
        description="How much of the carried frame stays where it is still seen: 0 nothing, 1 all",
        default=0.5,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    tile_size = IntProperty(
        name="Tile Size",
        description="Regions larger than this are generated in overlapping windows "
        "(max_region_px); 0 for the size that the model was made for",
        min=0,
        soft_max=2048,
        step=64,
        subtype="PIXEL",
    )
    windows: str = declared(
        Job,
        default=SHIFTING,
        items=WINDOW_ITEMS,
    )
    regions: Any = CollectionProperty(
        name="Regions", description="The picture's regions, in the job's order", type=RegionEntry
    )
    chosen_region = IntProperty(options={"HIDDEN"})
    result: bpy.types.Image | None = PointerProperty(
        name="Result", description="The last picture that was made", type=bpy.types.Image
    )
    show_overlay = BoolProperty(
        name="Show Regions",
        description="Show in the camera's view what each region covers and how its weight fades",
        default=True,
    )
    show_preview = BoolProperty(
        name="Preview in View",
        description="Show the picture in the camera's view while it is being made",
        default=True,
    )
    show_result = BoolProperty(
        name="Picture in View",
        description="Show the finished picture over the camera's view; J shows the scene instead",
        default=True,
    )
    result_seed = StringProperty(options={"HIDDEN"})
    active_region = IntProperty(get=_active_region, set=_select_region, options={"HIDDEN"})

    seed: int | None = seed_in("seed_digits")
    """The seed of the picture; None for a random one."""


def canvas_settings(scene: bpy.types.Scene) -> CanvasSettings:
    """Return a scene's settings."""
    return cast(CanvasSettings, scene.mixdiff)  # type: ignore[attr-defined]


CLASSES = (CanvasSettings,)
