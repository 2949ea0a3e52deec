"""Part `profile`: where the time of the demo's job on the bundled model goes."""

from __future__ import annotations

import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import diffusers
from diffusers import UNet2DConditionModel
from diffusers.models.autoencoders import vae
from diffusers.models.unets import unet_2d_blocks
from torch import nn
from torch.nn.modules import module as hooks
from transformers import CLIPTextModel

from benchmarks.performance.record import Aim, Record
from engine.model_keeper import ModelKeeper
from engine.run import RunRequest, run
from engine.runtime.devices import choose_device
from engine.sampling.events import Done

DEMO_JOB = Path(__file__).parent / "demo.json"
_QUICK_STEPS = 3
_MODELS: dict[str, tuple[type[nn.Module], ...]] = {
    "denoiser": (UNet2DConditionModel,),
    "autoencoder": (
        vae.Encoder,
        vae.Decoder,
        unet_2d_blocks.UNetMidBlock2D,
        unet_2d_blocks.UpDecoderBlock2D,
        unet_2d_blocks.DownEncoderBlock2D,
        diffusers.AutoencoderKL,
    ),
    "texts": (CLIPTextModel,),
}


@contextmanager
def model_seconds() -> Iterator[dict[str, float]]:
    """Measure the seconds inside the models, whoever calls them, while the context is open."""
    seconds: dict[str, float] = defaultdict(float)
    open_: list[tuple[nn.Module, str, float]] = []
    kinds = {kind: name for name, types in _MODELS.items() for kind in types}

    def enter(module: nn.Module, _given: Any) -> None:
        name = kinds.get(type(module))
        if name is not None and not open_:
            open_.append((module, name, time.perf_counter()))

    def leave(module: nn.Module, *_given: Any) -> None:
        if open_ and open_[0][0] is module:
            _module, name, began = open_.pop()
            seconds[name] += time.perf_counter() - began

    handles = [
        hooks.register_module_forward_pre_hook(enter),
        hooks.register_module_forward_hook(leave, always_call=True),
    ]
    try:
        yield seconds
    finally:
        for handle in handles:
            handle.remove()


def demo_document(*, quick: bool) -> dict[str, Any]:
    """Read the demo's job, shortened to a few steps for a quick look."""
    document: dict[str, Any] = json.loads(DEMO_JOB.read_text(encoding="utf-8"))
    if quick:
        document["num_inference_steps"] = _QUICK_STEPS
    return document


def measure(record: Record, *, quick: bool) -> None:
    """Run the job as a worker does, file and all, after a run that loads the model."""
    part = "The demo's job on the bundled model, CPU"
    document = demo_document(quick=quick)
    keeper = ModelKeeper(device=choose_device("cpu"))
    with tempfile.TemporaryDirectory() as folder:
        short = {**document, "num_inference_steps": 1}
        _run(short, keeper, Path(folder))
        with model_seconds() as inside:
            began = time.perf_counter()
            done = _run(document, keeper, Path(folder))
            total = time.perf_counter() - began
    phases = done.timings_s
    own = total - inside["denoiser"] - inside["autoencoder"]
    # What the models take lies in the phases that call them.
    shares = {
        "denoiser": inside["denoiser"],
        "autoencoder": inside["autoencoder"],
        "texts": inside["texts"],
        "sampling besides": phases["sampling"] - inside["denoiser"],
        "decoding besides, the PNG too": phases["decoding"] - inside["autoencoder"],
    }
    shares["all else"] = total - sum(shares.values())
    for name, seconds in shares.items():
        record.put(part, name, seconds, "s")
    record.put(part, "whole job", total, "s")
    record.put(
        part,
        "engine's own share (all but denoiser and autoencoder)",
        own / total,
        "%",
        Aim(value=0.05, at_least=False),
    )
    record.series["profile"] = {"seconds": shares, "phases": phases, "total_s": total}


def _run(document: dict[str, Any], keeper: ModelKeeper, folder: Path) -> Done:
    request = RunRequest(document=document, folder=folder, output=folder / "out.png")
    *_, last = run(request, keeper)
    assert isinstance(last, Done)
    return last
