"""Blender's properties, each stated once: in a class body, or from a field of the contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, TypeVar

import bpy

from ..contract import (
    FALLOFFS,
    SCHEDULERS,
    Choice,
    File,
    Flag,
    Kind,
    ModelName,
    OrNone,
    Real,
    Text,
    Whole,
    kind_of,
)

_props: Any = bpy.props  # whose stubs do not say that they return anything

# Typed as the value that an instance holds, as `dataclasses.field` is.
BoolProperty: Callable[..., bool] = _props.BoolProperty
IntProperty: Callable[..., int] = _props.IntProperty
FloatProperty: Callable[..., float] = _props.FloatProperty
StringProperty: Callable[..., str] = _props.StringProperty
EnumProperty: Callable[..., Any] = _props.EnumProperty
PointerProperty: Callable[..., Any] = _props.PointerProperty
CollectionProperty: Callable[..., Any] = _props.CollectionProperty

_T = TypeVar("_T", bound=type)
_Deferred: type = type(_props.BoolProperty())

_INT_MAX = 2**31 - 1

# What a person reads. The technical name stands in the tooltip.
_LABELS = {
    "model": "Model",
    "scheduler": "Sampler",
    "num_inference_steps": "Steps",
    "negative_prompt": "Negative Prompt",
    "prompt_syntax": "Prompts As",
    "wrap": "Repeats",
    "windows": "Denoised In",
    "base_prompt": "Whole Picture",
    "base_guidance_scale": "Guidance",
    "base_strength": "Base Strength",
    "base_end": "Base End",
    "calm_poles_deg": "Calm Poles",
    "cpu_vae": "VAE on CPU",
    "decode_steps": "Keep Every Step",
    "noise_device": "Noise From",
    "prompt": "Prompt",
    "guidance_scale": "Guidance",
    "mask_type": "Falloff",
    "feather_px": "Feather",
    "mask": "Mask",
    "mask_area": "Laid Over",
    "reference_image": "Picture",
    "mask_weight": "Weight",
    "noise_eps": "Variation",
    "strength": "Reference Strength",
    "strength_map": "Strength Map",
    "references": "References",
    "reroll_mode": "Reroll",
    "kind": "Kind",
    "image": "Picture",
    "area": "Laid Over",
    "scale": "Strength",
    "start": "From Step",
    "end": "To Step",
    "controls": "Controls",
    "row_init": "Top",
    "row_end": "Bottom",
    "col_init": "Left",
    "col_end": "Right",
    "regions": "Regions",
    "lora": "LoRA",
    "loras": "LoRAs",
    "weight": "Weight",
}
_SOFT_MAXIMA = {
    **{"guidance_scale": 30.0, "mask_weight": 10.0, "noise_eps": 1.0, "weight": 2.0},
    **{"num_inference_steps": 150, "feather_px": 512, "scale": 2.0},
}
_ITEMS = {
    "reset": ("Anew", "Draw this part's random start anew"),
    "epsilon": ("Slightly", "Change this part's random start by a little noise"),
    "plain": (
        "Plain Words",
        "Brackets are words, and what a model cannot see of a long one is cut",
    ),
    "weights": (
        "Weights and Parts",
        "(word:1.3) counts more, [word] less, BREAK begins another part, and long prompts are read "
        "to their end. Of use to Stable Diffusion 1, 2 and XL",
    ),
    "none": ("Not", "The picture ends at its edges"),
    "x": ("Sideways", "What goes over the right edge goes on at the left: a frieze, a strip"),
    "y": ("Up and Down", "What goes over the lower edge goes on at the upper"),
    "both": ("Both Ways", "The picture joins itself on all sides: a tile"),
    "cpu": ("CPU", "A seed gives the same picture on every device"),
    "device": ("Device", "Noise is drawn where the picture is made"),
    "region": ("Region", "The mask lies over the region alone"),
    "canvas": ("Canvas", "The mask lies over the whole picture, and the region sees its part"),
    "depth": ("Depth", "How near everything is: white near, black far"),
    "normal": ("Normals", "Which way everything faces: red left, green up, blue to the camera"),
    "edges": ("Edges", "Where things end and where they bend, white on black"),
    "segmentation": (
        "Segmentation",
        "What everything is: the colours of ADE20K's classes, as prompts and names call them",
    ),
    "pose": ("Pose", "How people stand: the sticks of OpenPose"),
    "scribble": ("Scribble", "A rough drawing, white on black"),
    "other": ("Other", "What the ControlNet that you name was made for"),
    **{one.name: (one.label, one.description) for one in FALLOFFS.values()},
    **{one.name: (one.label, one.description) for one in SCHEDULERS.values()},
}


def label_of(field: str) -> str:
    """Return what a field of the job is called in the panels; its own name where it is in none."""
    return _LABELS.get(field, field)


def choice_items(options: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """Return the items of an enumeration, with the technical name in each tooltip."""
    named = [(option, *_ITEMS.get(option, (option, ""))) for option in options]
    return [(key, label, f"{what} ({key})".strip()) for key, label, what in named]


class Declaring:
    """Lets a class state its properties in its body; Blender wants them as annotations.

    Properties that classes share belong in a base that derives from nothing of Blender's: in bases
    that do, Blender does not look for any.
    """

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        """Move the properties to where Blender looks for them."""
        super().__init_subclass__()
        stated = {
            name: value
            for name, value in vars(cls).items()
            if isinstance(value, (_Deferred, _ContractField))
        }
        for name in stated:
            delattr(cls, name)
        cls.__annotations__ = {
            name: value.named(name) if isinstance(value, _ContractField) else value
            for name, value in stated.items()
        }


def overridable(cls: _T) -> _T:
    """Let the properties of a class be set where its owner is a library override, and saved so."""
    stated: Any = cls
    for value in stated.__annotations__.values():
        value.keywords["override"] = {"LIBRARY_OVERRIDABLE"}
    return cls


def noticed(cls: _T) -> _T:
    """Let a change of a class's properties be noticed at once, whoever makes it.

    What a script sets, Blender tags and draws again only where a property has an update function.
    """
    stated: Any = cls
    for value in stated.__annotations__.values():
        is_hidden = "HIDDEN" in value.keywords.get("options", ())
        if not is_hidden and value.function is not _props.CollectionProperty:
            value.keywords.setdefault("update", lambda settings, context: None)
    return cls


@dataclass(frozen=True, slots=True)
class _ContractField:
    owner: type
    overrides: Mapping[str, Any]

    def named(self, name: str) -> Any:
        """Return the property for the field of this name."""
        field = next(f for f in fields(self.owner) if f.name == name)
        settings: dict[str, Any] = {
            "name": label_of(name),
            "description": f"{field.metadata['doc']} ({name})",
        }
        if field.default is not MISSING and field.default is not None:
            settings["default"] = field.default
        return _property(kind_of(field), name, {**settings, **self.overrides})


def declared(cls: type, **overrides: Any) -> Any:
    """Return the property for the field of the contract that has the same name."""
    return _ContractField(cls, overrides)


def _property(kind: Kind, name: str, settings: Mapping[str, Any]) -> Any:
    match kind:
        case OrNone():
            return _property(kind.kind, name, settings)
        case Whole():
            most = min(kind.maximum or _INT_MAX, _INT_MAX)
            limits = {"min": kind.minimum or 0, "soft_max": _SOFT_MAXIMA.get(name, most)}
            return IntProperty(max=most, **limits, **settings)
        case Real():
            reals = {"min": kind.minimum or 0.0, "soft_max": _SOFT_MAXIMA.get(name, kind.maximum)}
            return FloatProperty(max=kind.maximum, precision=2, step=10, **reals, **settings)
        case Text() | ModelName():
            return StringProperty(**settings)
        case File():
            return PointerProperty(type=bpy.types.Image, **settings)
        case Choice():
            return EnumProperty(**{"items": choice_items(kind.options), **settings})
        case Flag():
            return BoolProperty(**settings)
        case _:
            raise AssertionError(f"no property for {kind}")
