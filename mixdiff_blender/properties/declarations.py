"""Blender's properties, declared from the contract's fields: one source of names and bounds."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

import bpy

from ..contract import Choice, Flag, Kind, OrNone, Real, Text, Whole, kind_of

props: Any = bpy.props  # whose stubs do not say that they return anything

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


def declared(cls: type, name: str, **overrides: Any) -> Any:
    """Return the property for a field of the contract."""
    field = next(f for f in fields(cls) if f.name == name)
    settings: dict[str, Any] = {
        "name": _LABELS.get(name, name),
        "description": f"{field.metadata['doc']} ({name})",
    }
    if field.default is not MISSING and field.default is not None:
        settings["default"] = field.default
    return _property(kind_of(field), name, settings, overrides)


def _property(kind: Kind, name: str, settings: dict[str, Any], overrides: dict[str, Any]) -> Any:
    match kind:
        case OrNone():
            return _property(kind.kind, name, settings, overrides)
        case Whole():
            bounds = {"min": kind.minimum or 0, "max": min(kind.maximum or _INT_MAX, _INT_MAX)}
            soft = _SOFT_MAXIMA_WHOLE.get(name)
            more = {"soft_max": soft} if soft else {}
            return props.IntProperty(**{**settings, **bounds, **more, **overrides})
        case Real():
            reals = {"min": kind.minimum or 0.0, "soft_max": _SOFT_MAXIMA.get(name, kind.maximum)}
            more_reals = {"max": kind.maximum, "precision": 2, "step": 10}
            return props.FloatProperty(**{**settings, **reals, **more_reals, **overrides})
        case Text():
            return props.StringProperty(**{**settings, **overrides})
        case Choice():
            return props.EnumProperty(
                **{**settings, "items": choice_items(kind.options), **overrides}
            )
        case Flag():
            return props.BoolProperty(**{**settings, **overrides})
        case _:
            raise AssertionError(f"no property for {kind}")
