# No `from __future__ import annotations`: Blender reads the annotations of property groups.
"""What a scene and an object remember: the job's own keys, declared from the job's own fields."""

from dataclasses import MISSING, Field, fields
from typing import Any

import bpy

from .contract import job, kinds

_INT_MAX = 2**31 - 1
_LABELS = {
    "guidance_scale": "Guidance",
    "mask_type": "Fade",
    "mask_weight": "Weight",
    "noise_eps": "Noise",
    "num_inference_steps": "Steps",
    "negative_prompt": "Avoid",
    "cpu_vae": "Decode on CPU",
    "decode_steps": "Keep every step",
    "noise_device": "Noise from",
    "reroll_mode": "Reroll",
    "lms": "LMS",
    "ddim": "DDIM",
    "pndm": "PNDM",
    "euler_a": "Euler ancestral",
    "dpmpp_2m": "DPM++ 2M",
    "dpmpp_2m_karras": "DPM++ 2M Karras",
    "unipc": "UniPC",
    "lcm": "LCM",
    "cpu": "CPU",
}
REGION_TYPES = (
    ("text2image", "Text", "A prompt paints this region (text2image)"),
    ("image2image", "Image", "This region starts from a picture (image2image)"),
    ("reroll", "Reroll", "The random start of this region is drawn anew or changed slightly"),
)
MODELS_OWN = "MODEL"


def _label(name: str) -> str:
    return _LABELS.get(name, name.replace("_", " ").capitalize())


def _declared(cls: type, name: str) -> Field[Any]:
    return next(f for f in fields(cls) if f.name == name)


def _described(declared: Field[Any]) -> str:
    doc = str(declared.metadata["doc"])
    name = declared.name
    return doc if name in doc else f"{doc} ({name})"


def _property(cls: type, name: str, **changes: Any) -> Any:
    """Return Blender's property for a field of the job: its kind, bounds, default and words."""
    declared = _declared(cls, name)
    kind = kinds.kind_of(declared)
    if isinstance(kind, kinds.OrNone):
        kind = kind.kind
    settings: dict[str, Any] = {"name": _label(name), "description": _described(declared)}
    if declared.default not in (MISSING, None):
        settings["default"] = declared.default
    match kind:
        case kinds.Whole():
            settings |= {"min": kind.minimum or 0, "max": min(kind.maximum or _INT_MAX, _INT_MAX)}
            return bpy.props.IntProperty(**settings | changes)
        case kinds.Real():
            settings |= {"min": kind.minimum, "max": kind.maximum}
            return bpy.props.FloatProperty(**settings | changes)
        case kinds.Choice():
            items = [(option, _label(option), "") for option in kind.options]
            return bpy.props.EnumProperty(items=changes.pop("items", items), **settings | changes)
        case kinds.Flag():
            return bpy.props.BoolProperty(**settings | changes)
        case _:
            return bpy.props.StringProperty(**settings | changes)


def _keep_a_seed(settings: Any, name: str) -> None:
    """Reduce what was typed to a seed that the engine takes, or to nothing for a random one."""
    typed = settings[name] if name in settings.keys() else ""  # noqa: SIM118 (no mapping)
    kept = "".join(letter for letter in typed if letter in "0123456789")
    kept = str(min(int(kept), job.SEED.maximum or 0)) if kept else ""
    if kept != typed:
        setattr(settings, name, kept)


def _seed_property(cls: type, name: str) -> Any:
    # Seeds go up to 2**64 - 1, which Blender's whole numbers do not.
    return bpy.props.StringProperty(
        name="Seed",
        description=f"{_declared(cls, name).metadata['doc']}. Empty for a random one ({name})",
        update=lambda settings, _context: _keep_a_seed(settings, f"{name}_digits"),
    )


def _get_seed(digits: str) -> int | None:
    return int(digits) if digits else None


def _seed_digits(name: str, seed: int | None) -> str:
    complaint = kinds.OrNone(job.SEED, "a random one").complaint(seed)
    if complaint:
        raise ValueError(f"{name}: {complaint.message}; {complaint.remedy}")
    return "" if seed is None else str(seed)


class MixDiffRegion(bpy.types.PropertyGroup):
    """What makes an object a region; scripts find the job's keys under their own names."""

    __annotations__ = {
        "enabled": bpy.props.BoolProperty(
            name="Region", description="Let this object's place in the camera's view be a region"
        ),
        "type": bpy.props.EnumProperty(
            name="Type", items=REGION_TYPES, description="What happens in this region (type)"
        ),
        "prompt": _property(job.Text2ImageRegion, "prompt"),
        "negative_prompt": _property(
            job.Text2ImageRegion,
            "negative_prompt",
            description="What to keep out of this region. Empty for the canvas's own "
            "(negative_prompt)",
        ),
        "guidance_scale": _property(job.Text2ImageRegion, "guidance_scale", soft_max=20),
        "randomize_guidance": bpy.props.BoolProperty(
            name="Random guidance",
            description="Draw the guidance from 5 to 29 for each picture (guidance_scale None)",
        ),
        "mask_type": _property(job.Text2ImageRegion, "mask_type"),
        "mask_weight": _property(job.Text2ImageRegion, "mask_weight", soft_max=10),
        "region_seed_digits": _seed_property(job.Region, "region_seed"),
        "noise_eps": _property(job.Region, "noise_eps", soft_max=1),
        "reference_image": bpy.props.PointerProperty(
            type=bpy.types.Image,
            name="Picture",
            description="The picture that this region starts from (reference_image)",
        ),
        "strength": _property(job.Image2ImageRegion, "strength", subtype="FACTOR"),
        "reroll_mode": _property(job.RerollRegion, "reroll_mode"),
    }

    @property
    def region_seed(self) -> int | None:
        """The region's seed, None for a random one."""
        return _get_seed(self.region_seed_digits)

    @region_seed.setter
    def region_seed(self, seed: int | None) -> None:
        self.region_seed_digits = _seed_digits("region_seed", seed)


class MixDiffScene(bpy.types.PropertyGroup):
    """What holds for the whole canvas; scripts find the job's keys under their own names."""

    __annotations__ = {
        "model": _property(job.Job, "model", default=job.BUNDLED_MODEL),
        "scheduler": _property(
            job.Job,
            "scheduler",
            items=[
                (MODELS_OWN, "Model's own", "The scheduler that the model was made with"),
                *((name, _label(name), "") for name in job.SCHEDULERS),
            ],
            default=MODELS_OWN,
        ),
        "num_inference_steps": _property(job.Job, "num_inference_steps", default=30, soft_max=150),
        "seed_digits": _seed_property(job.Job, "seed"),
        "negative_prompt": _property(job.Job, "negative_prompt"),
        "cpu_vae": _property(job.Job, "cpu_vae"),
        "decode_steps": _property(job.Job, "decode_steps"),
        "noise_device": _property(job.Job, "noise_device"),
        "result": bpy.props.PointerProperty(
            type=bpy.types.Image, name="Result", description="The picture that was made last"
        ),
        "active_region": bpy.props.IntProperty(name="Active region", options={"SKIP_SAVE"}),
    }

    @property
    def seed(self) -> int | None:
        """The canvas's seed, None for a random one."""
        return _get_seed(self.seed_digits)

    @seed.setter
    def seed(self, seed: int | None) -> None:
        self.seed_digits = _seed_digits("seed", seed)


CLASSES = (MixDiffRegion, MixDiffScene)


def attach() -> None:
    """Give every object and every scene its settings."""
    bpy.types.Object.mixdiff = bpy.props.PointerProperty(type=MixDiffRegion)
    bpy.types.Scene.mixdiff = bpy.props.PointerProperty(type=MixDiffScene)


def detach() -> None:
    """Take the settings away again."""
    del bpy.types.Scene.mixdiff
    del bpy.types.Object.mixdiff
