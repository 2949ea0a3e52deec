"""Blender's properties, each stated once: in a class body, or from a field of the contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

import bpy

from ..contract import Choice, Flag, Kind, OrNone, Real, Text, Whole, kind_of

_props: Any = bpy.props  # whose stubs do not say that they return anything

# Typed as the value that an instance holds, as `dataclasses.field` is.
BoolProperty: Callable[..., bool] = _props.BoolProperty
IntProperty: Callable[..., int] = _props.IntProperty
FloatProperty: Callable[..., float] = _props.FloatProperty
StringProperty: Callable[..., str] = _props.StringProperty
EnumProperty: Callable[..., Any] = _props.EnumProperty
PointerProperty: Callable[..., Any] = _props.PointerProperty
CollectionProperty: Callable[..., Any] = _props.CollectionProperty

_Deferred: type = type(_props.BoolProperty())

_INT_MAX = 2**31 - 1

# What a person reads. The technical name stands in the tooltip.
_LABELS = {
    "model": "Model",
    "scheduler": "Sampler",
    "num_inference_steps": "Steps",
    "negative_prompt": "Negative Prompt",
    "cpu_vae": "VAE on CPU",
    "decode_steps": "Keep Every Step",
    "noise_device": "Noise From",
    "prompt": "Prompt",
    "guidance_scale": "Guidance",
    "mask_type": "Falloff",
    "mask_weight": "Weight",
    "noise_eps": "Variation",
    "strength": "Reference Strength",
    "reroll_mode": "Reroll",
    "row_init": "Top",
    "row_end": "Bottom",
    "col_init": "Left",
    "col_end": "Right",
}
_SOFT_MAXIMA = {"guidance_scale": 30.0, "mask_weight": 10.0, "noise_eps": 1.0}
_SOFT_MAXIMA_WHOLE = {"num_inference_steps": 150}
_ITEMS = {
    "constant": ("None", "The same weight everywhere"),
    "gaussian": ("Soft", "Fades quickly away from the middle"),
    "quartic": ("Wide", "Fades gently, and to nothing at the border"),
    "reset": ("Anew", "Draw this part's random start anew"),
    "epsilon": ("Slightly", "Change this part's random start by a little noise"),
    "cpu": ("CPU", "A seed gives the same picture on every device"),
    "device": ("Device", "Noise is drawn where the picture is made"),
    "lms": ("LMS", "Linear multistep, the original's choice"),
    "ddim": ("DDIM", "Denoising diffusion implicit models"),
    "pndm": ("PNDM", "Pseudo numerical methods, Stable Diffusion's first choice"),
    "euler": ("Euler", "Euler's method"),
    "euler_a": ("Euler Ancestral", "Euler's method with fresh noise at each step"),
    "dpmpp_2m": ("DPM++ 2M", "Good pictures in some twenty steps"),
    "dpmpp_2m_karras": ("DPM++ 2M Karras", "The same, with smaller steps towards the end"),
    "unipc": ("UniPC", "Good pictures in some ten steps"),
    "heun": ("Heun", "Twice the work at each step"),
    "lcm": ("LCM", "For models made to paint in some four to eight steps"),
    "tcd": ("TCD", "For models made to paint in few steps, with fresh noise at each"),
    "euler_trailing": ("Euler, few steps", "For models of the kinds Turbo and Lightning"),
    "ddim_trailing": ("DDIM, few steps", "For models of the kind Hyper"),
}


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


@dataclass(frozen=True, slots=True)
class _ContractField:
    owner: type
    overrides: Mapping[str, Any]

    def named(self, name: str) -> Any:
        """Return the property for the field of this name."""
        field = next(f for f in fields(self.owner) if f.name == name)
        settings: dict[str, Any] = {
            "name": _LABELS.get(name, name),
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
            bounds = {"min": kind.minimum or 0, "max": min(kind.maximum or _INT_MAX, _INT_MAX)}
            soft = _SOFT_MAXIMA_WHOLE.get(name)
            more = {"soft_max": soft} if soft else {}
            return IntProperty(**{**bounds, **more, **settings})
        case Real():
            reals = {"min": kind.minimum or 0.0, "soft_max": _SOFT_MAXIMA.get(name, kind.maximum)}
            more_reals = {"max": kind.maximum, "precision": 2, "step": 10}
            return FloatProperty(**{**reals, **more_reals, **settings})
        case Text():
            return StringProperty(**settings)
        case Choice():
            return EnumProperty(**{"items": choice_items(kind.options), **settings})
        case Flag():
            return BoolProperty(**settings)
        case _:
            raise AssertionError(f"no property for {kind}")
