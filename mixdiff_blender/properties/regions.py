"""What a region asks for: on an object, or for a layer of annotations in the scene's list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import bpy

from ..contract import (
    BUNDLED_MODEL,
    OVERLAPPING,
    SHIFTING,
    TRIMMED,
    Image2ImageRegion,
    RerollRegion,
    Text2ImageRegion,
    facts_of,
)
from .controls import ControlSettings
from .declarations import (
    BoolProperty,
    CollectionProperty,
    Declaring,
    EnumProperty,
    PointerProperty,
    StringProperty,
    declared,
    noticed,
    overridable,
)
from .loras import lora_list
from .references import reference_list
from .seeds import only_digits, seed_in
from .suggestions import SUGGESTED

REROLL_TYPE = "reroll"
LISTS = ("loras", "controls", "references")
"""The settings of regions and of the canvas that are lists of settings."""

TYPE_ITEMS = [
    (Text2ImageRegion.TYPE, "Text", "Painted from a prompt"),
    (Image2ImageRegion.TYPE, "Image", "Starts from a picture"),
    (REROLL_TYPE, "Reroll", "Draws the random start of this part of the picture anew"),
]

WINDOW_ITEMS = [
    (
        SHIFTING,
        "Shifting Windows",
        "Where regions show alone; large ones in windows that hardly overlap and lie elsewhere in "
        "each step. The fastest",
    ),
    (
        TRIMMED,
        "Trimmed Windows",
        "Where regions show alone; large ones in windows that overlap",
    ),
    (
        OVERLAPPING,
        "Overlapping Windows",
        "Regions whole, hidden parts too; large ones in windows that overlap",
    ),
]
"""In which windows regions are generated."""
WINDOWS_OF_CANVAS = "canvas"

SILHOUETTE, RECTANGLE, MASK_PICTURE = "silhouette", "rectangle", "mask"

SHAPE_ITEMS = [
    (
        SILHOUETTE,
        "Silhouette",
        "What the camera sees of the object: what hides it has what it hides, and nothing reaches "
        "over a neighbour",
    ),
    (
        RECTANGLE,
        "Rectangle",
        "The rectangle around the object, fading towards its border by the falloff",
    ),
    (MASK_PICTURE, "Mask Picture", "What a picture shows bright, within the object's rectangle"),
]


def _choose_mask(settings: RegionSettings, context: bpy.types.Context) -> None:
    if settings.mask is not None:
        settings.shape = MASK_PICTURE


def _hide_guide(settings: RegionSettings, context: bpy.types.Context) -> None:
    owner = settings.id_data
    if isinstance(owner, bpy.types.Object):
        owner.hide_render = settings.guide
        owner.display_type = "WIRE" if settings.guide else "TEXTURED"


@noticed
@overridable
class RegionSettings(Declaring, bpy.types.PropertyGroup):
    """What an object asks for, in the part of the picture that it covers."""

    __slots__ = ()

    uid = StringProperty(
        name="Id",
        description="What the region is known by, whatever its object is called",
        options={"HIDDEN"},
    )
    enabled = BoolProperty(
        name="Region", description="This object is a region of the picture", default=False
    )
    guide = BoolProperty(
        name="Guide",
        description="Not a thing of the scene: hidden from renders, and a region all the same",
        update=_hide_guide,
    )
    type: str = EnumProperty(
        name="Type", description="What fills the region (type)", items=TYPE_ITEMS
    )
    prompt: str = declared(Text2ImageRegion, **SUGGESTED)
    guidance_scale: float = declared(
        Text2ImageRegion, default=facts_of(BUNDLED_MODEL).guidance_scale
    )
    mask_type: str = declared(Text2ImageRegion)
    feather_px: int = declared(Text2ImageRegion, subtype="PIXEL")
    mask_weight: float = declared(Text2ImageRegion)
    mask: bpy.types.Image | None = declared(Text2ImageRegion, update=_choose_mask)
    mask_area: str = declared(Text2ImageRegion)
    shape: str = EnumProperty(
        name="Shape",
        description="What part of the picture the region covers",
        items=SHAPE_ITEMS,
        default=RECTANGLE,
    )
    windows: str = declared(
        Text2ImageRegion,
        items=[
            (
                WINDOWS_OF_CANVAS,
                "The Picture's",
                "As all regions; still where the model's pattern begins at a window's corner",
            ),
            *WINDOW_ITEMS,
        ],
    )
    controls: Any = CollectionProperty(
        name="Controls",
        description="What this region is held to, in place of the picture's controls of the same "
        "kinds",
        type=ControlSettings,
    )
    references: Any = reference_list("Pictures that this region follows, in place of the canvas's")
    noise_eps: float = declared(Text2ImageRegion)
    negative_prompt: str = declared(
        Text2ImageRegion,
        description="What to keep out of this region; empty for the canvas's (negative_prompt)",
    )
    randomize_guidance = BoolProperty(
        name="Random Guidance", description="Draw the guidance at random (guidance_scale: null)"
    )
    region_seed_digits = StringProperty(
        name="Own Seed",
        description="Seed of everything drawn for this region alone; empty for a random one "
        "(region_seed)",
        update=only_digits("region_seed_digits"),
    )
    loras: Any = lora_list("LoRAs of this region alone, beside the whole picture's (loras)")
    reference_image: bpy.types.Image | None = declared(
        Image2ImageRegion, description="The picture to start from (reference_image)"
    )
    strength: float = declared(Image2ImageRegion, subtype="FACTOR")
    strength_map: bpy.types.Image | None = declared(Image2ImageRegion)
    reroll_mode: str = declared(RerollRegion)

    region_seed: int | None = seed_in("region_seed_digits")
    """The seed of this region alone; None for a random one."""


class RegionEntry(Declaring, bpy.types.PropertyGroup):
    """One region of a scene: an object, a group of them, or a layer of annotations.

    Their order is the job's.
    """

    __slots__ = ()

    object: bpy.types.Object | None = PointerProperty(
        name="Object", description="The object that is the region", type=bpy.types.Object
    )
    layer = StringProperty(
        name="Layer", description="The layer of annotations whose strokes are the region"
    )
    collection: bpy.types.Collection | None = PointerProperty(
        name="Collection",
        description="The collection whose objects are the region",
        type=bpy.types.Collection,
    )
    material: bpy.types.Material | None = PointerProperty(
        name="Material",
        description="The material whose faces are the region",
        type=bpy.types.Material,
    )
    settings: RegionSettings = PointerProperty(
        name="Settings",
        description="What the region asks for; an object has its own settings",
        type=RegionSettings,
    )


def index_of(listed: Sequence[RegionEntry], obj: bpy.types.Object) -> int | None:
    """Return the region that an object is, or else the narrowest that it is a part of."""
    sizes = {
        index: size
        for index, entry in enumerate(listed)
        if (size := _objects_that_are(entry, obj)) is not None
    }
    return min(sizes, key=lambda index: sizes[index], default=None)


def _objects_that_are(entry: RegionEntry, obj: bpy.types.Object) -> int | None:
    """Return how many objects a region is made of, none of an object; None where it has no part."""
    if entry.object is not None:
        return 0 if entry.object == obj else None
    if entry.collection is not None:
        members: Any = entry.collection.all_objects
        return 1 + len(members) if members.get(obj.name) == obj else None
    return 1 if entry.material is not None and obj.active_material == entry.material else None


def region_settings(obj: bpy.types.Object) -> RegionSettings:
    """Return an object's settings."""
    return cast(RegionSettings, obj.mixdiff)  # type: ignore[attr-defined]


CLASSES = (RegionSettings, RegionEntry)
