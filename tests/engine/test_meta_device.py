"""The sampler on torch's meta device: a stand-in for an accelerator whose numbers nobody knows.

A tensor there that meets one on the CPU raises, and so does everything that would wait for the
device's values; models of real shapes cost no memory.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from engine.contract.families import FAMILIES
from engine.contract.job import Job
from engine.families.base import Model
from engine.families.loading import model_of
from engine.runtime.batching import Conditioning, Denoiser, Text
from engine.runtime.capacity import Capacity
from engine.runtime.controls import Control
from engine.runtime.devices import choose_device
from engine.runtime.following import Followed
from engine.sampling.base_pass import plans_of
from engine.sampling.ranks import ALONE
from engine.sampling.region_windows import region_windows
from engine.sampling.sampler import ImageAnchor, sample
from tests.engine.runs import canvas, read_job, text_region
from tests.engine.tiny_flow_models import BUILDERS
from tests.engine.tiny_models import tiny_sdxl

META = torch.device("meta")
CPU = choose_device("cpu", "float32")


class Copies(TorchDispatchMode):
    """Counts what is brought from the CPU to the device, for which the host has to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func in (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default):
            source = args[1] if func is torch.ops.aten.copy_.default else args[0]
            self.count += source.device.type == "cpu" and result.device == META
        return result


def on_meta(model: Model, texts: Callable[[Text], Conditioning] | None = None) -> Model:
    """Return a model whose network is on the meta device; its texts are encoded before, or given.

    Text encoders ask for their device's state, which meta has not.
    """
    encode: Any = texts or model.encode
    moved: Any = copy.copy(model)
    if moved._network.device != META:
        moved._network = copy.deepcopy(moved._network).to(META)
    moved.encode = encode
    moved.__class__ = type("OnMeta", (type(model),), {"network_device": META})
    moved.denoiser = Denoiser(moved, capacity=Capacity(CPU.torch_device))
    result: Model = moved
    return result


def copies_in_the_loop(
    model: Model,
    job: Job,
    controls: Callable[[Job], list[list[Control]]] = lambda job: [],
    references: Callable[[Job], list[list[Followed]]] = lambda job: [],
) -> int:
    """Run a job's steps on the meta device, and return how often one waited for the host."""
    windows = region_windows(
        job, model.stride_px, {}, patch=model.family.grid_px // model.stride_px
    )
    size = (job.canvas_height // model.stride_px, job.canvas_width // model.stride_px)
    noise = torch.zeros((1, model.channels, *size), device=META)
    plan, base = plans_of(job, model, windows, noise, ALONE, controls, references)
    schedule = model.make_schedule(job)
    window = windows[0].window
    held = torch.zeros((1, model.channels, window.height, window.width), device=META)
    mask = torch.zeros((window.height, window.width), device=META)
    anchors = [
        ImageAnchor(
            window=window,
            latents=held,
            release=schedule.release_timestep(strength),
            mask=covered,
            releases=releases,
        )
        for strength, covered, releases in (
            (0.3, None, None),
            (1, None, None),
            (0.5, mask, None),
            (1, mask, mask),
            (1, None, mask),
        )
    ]
    generator: Any = None
    run = sample(
        noise, windows, anchors, plan=plan, schedule=schedule, generator=generator, base=base
    )
    next(run)  # what is made once a job may be brought to the device
    copies = Copies()
    with copies:
        assert all(step.device == META and step.shape == noise.shape for step in run)
    return copies.count


def beside(side: int, *guidances: float, **more: Any) -> dict[str, Any]:
    regions = [
        text_region(0, side, side // 2 * i, side // 2 * i + side, f"{i}", guidance_scale=guidance)
        for i, guidance in enumerate(guidances)
    ]
    width = side // 2 * (len(guidances) + 1)
    return canvas(side, width, *regions, num_inference_steps=4, **more)


def small(family: str, tiny: Model) -> Model:
    if family == "sd":
        return tiny
    return model_of({"sdxl": tiny_sdxl, **BUILDERS}[family](), CPU)


@pytest.mark.parametrize(
    ("family", "scheduler"),
    [(family.name, name) for family in FAMILIES.values() for name in family.schedulers],
)
def test_no_step_mixes_devices_or_waits_for_one(family: str, scheduler: str, tiny: Model) -> None:
    base = {"base_prompt": "a", "base_strength": 0.5, "base_end": 1.0, "max_region_px": 128}
    job = read_job(beside(64, 3, 1, 2, scheduler=scheduler, **base))
    copies = copies_in_the_loop(on_meta(small(family, tiny)), job)
    if scheduler != "unipc":  # it solves its small systems of equations on the device
        assert copies == 0


def test_windows_of_a_large_region_wait_for_no_device_either(tiny: Model) -> None:
    job = read_job(beside(64, 3, 2, scheduler="ddim", max_region_px=64))
    assert copies_in_the_loop(on_meta(tiny), job) == 0


REAL: dict[str, dict[str, Any]] = {
    "sd": {
        "block_out_channels": (320, 640, 1280, 1280),
        "cross_attention_dim": 768,
        "sample_size": 64,
    },
    "sdxl": {
        "block_out_channels": (320, 640, 1280),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "attention_head_dim": (5, 10, 20),
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "transformer_layers_per_block": (1, 2, 10),
        "projection_class_embeddings_input_dim": 2816,
        "cross_attention_dim": 2048,
        "sample_size": 128,
    },
    "z_image": {},
    "flux2_klein": {
        "num_layers": 5,
        "num_single_layers": 20,
        "num_attention_heads": 24,
        "joint_attention_dim": 7680,
        "guidance_embeds": False,
    },
    "flux2": {},
    "flux": {"guidance_embeds": True},
    "qwen_image": {},
    "sd3": {
        "sample_size": 128,
        "num_layers": 38,
        "num_attention_heads": 38,
        "caption_projection_dim": 2432,
        "pos_embed_max_size": 192,
        "qk_norm": "rms_norm",
    },
    "krea2": {},
}
"""The networks' configurations as the families' first models have them, where diffusers' own
settings are others."""
PARAMETERS = {
    "sd": 859_520_964,
    "sdxl": 2_567_463_684,
    "z_image": 6_154_908_736,
    "flux2_klein": 3_875_544_576,
    "flux2": 32_223_281_152,
    "flux": 11_901_408_320,
    "qwen_image": 20_430_401_088,
    "sd3": 8_056_627_520,
    "krea2": 12_820_073_036,
}


@pytest.mark.parametrize("family", list(FAMILIES))
def test_the_real_shapes_run_through(family: str, tiny: Model) -> None:
    model: Any = copy.copy(small(family, tiny))
    with torch.device(META):
        model._network = type(model._network)(**REAL[family])
    assert sum(p.numel() for p in model._network.parameters()) == PARAMETERS[family]
    side = FAMILIES[family].native_px
    job = read_job({**beside(side, 3, 1, scheduler="euler"), "num_inference_steps": 2})
    assert copies_in_the_loop(on_meta(model, TEXTS[family]), job) == 0


def _real_texts(**shapes: tuple[int, ...]) -> Callable[[Text], Conditioning]:
    """Return what encodes texts as the real encoders do, in shape."""
    kinds = {"encoder_attention_mask": torch.bool}
    return lambda text: {
        name: torch.zeros(1, *shape, dtype=kinds.get(name)) for name, shape in shapes.items()
    }


TEXTS = {
    "sd": _real_texts(encoder_hidden_states=(77, 768)),
    "sdxl": _real_texts(encoder_hidden_states=(77, 2048), text_embeds=(1280,)),
    "z_image": _real_texts(cap_feats=(40, 2560)),
    "flux2_klein": _real_texts(encoder_hidden_states=(512, 7680)),
    "flux2": _real_texts(encoder_hidden_states=(512, 15360)),
    "flux": _real_texts(encoder_hidden_states=(512, 4096), pooled_projections=(768,)),
    "qwen_image": _real_texts(encoder_hidden_states=(60, 3584)),
    "sd3": _real_texts(encoder_hidden_states=(333, 4096), pooled_projections=(2048,)),
    "krea2": _real_texts(encoder_hidden_states=(512, 12, 2560), encoder_attention_mask=(512,)),
}


def test_the_stand_in_notices_what_an_accelerator_would() -> None:
    there = torch.zeros(1, device=META)
    for act in (lambda: there + torch.zeros(2), there.item):
        with pytest.raises(RuntimeError):
            act()
