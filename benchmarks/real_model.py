"""A model of a real shape on this machine: written with random weights, loaded, and run for a step.

    python -m benchmarks.real_model                      # FLUX.2 klein 4B, some 16 GB of disk
    python -m benchmarks.real_model --way visits         # layer by layer, as on a card too small
    python -m benchmarks.real_model --way float8         # the network in floats of 8 bits

Two regions of 256 × 256 pixels, one step, in this machine's precision. The model lies in a folder
of its own until the end, and is loaded as any other: what is resident afterwards are pages of its
files, which the system takes back where it needs them, and copies, which it cannot. Both are told,
at their highest; numbers are random, so that the picture is nothing but noise. Linux alone.
"""

from __future__ import annotations

import argparse
import json
import math
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from random import SystemRandom
from typing import Any, BinaryIO

import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from torch import nn

from benchmarks.real_pipelines import letters
from benchmarks.real_shapes import AUTOENCODERS, ENCODERS, network, numbers_of, on_meta
from engine.contract.chance import resolve_random
from engine.contract.checks import check
from engine.contract.memory import Machine, MemoryPlan, Way, Work, gib, plans
from engine.contract.model_files import footprint_of
from engine.contract.model_folders import INDEX
from engine.contract.models import facts_of
from engine.families.loading import load_model
from engine.process.quiet import silence_libraries
from engine.runtime.devices import choose_device, machine_of
from engine.sampling.events import PhaseBegan, StepDone
from engine.sampling.generate import generate

_SIDE_PX = 256
_BLOCK = 2**22  # random numbers that are written again and again
_LOOK_EVERY_S = 0.05
_STATUS = Path("/proc/self/status")
WAYS: dict[str, tuple[Way, Way, bool] | None] = {
    "plan": None,
    "visits": ("visits", "visits", False),
    "float8": ("stays", "stays", True),
}


def write_klein(folder: Path) -> None:
    """Write a FLUX.2 klein 4B of random weights in bfloat16, as the hub's folder has it."""
    torch.manual_seed(0)
    letters().save_pretrained(folder / "tokenizer")
    scheduler = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, shift=3.0)
    scheduler.save_pretrained(folder / "scheduler")
    write_part(on_meta(lambda: network("klein_4b")), folder / "transformer")
    write_part(on_meta(AUTOENCODERS["flux2"]), folder / "vae")
    write_part(on_meta(ENCODERS["qwen3_4b_lm"]), folder / "text_encoder")
    classes = {
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
        "text_encoder": ["transformers", "Qwen3ForCausalLM"],
        "tokenizer": ["transformers", "Qwen2TokenizerFast"],
        "transformer": ["diffusers", "Flux2Transformer2DModel"],
        "vae": ["diffusers", "AutoencoderKLFlux2"],
    }
    index = {"_class_name": "Flux2KleinPipeline", "is_distilled": True, **classes}
    (folder / "model_index.json").write_text(json.dumps(index))


def write_part(module: nn.Module, folder: Path) -> None:
    """Write a part's settings, and random weights in bfloat16 that keep what it makes moderate."""
    folder.mkdir(parents=True, exist_ok=True)
    is_own = hasattr(module, "save_config")
    settings: Any = module if is_own else module.config
    (settings.save_config if is_own else settings.save_pretrained)(folder)
    name = "diffusion_pytorch_model" if is_own else "model"
    tied = set(getattr(module, "_tied_weights_keys", None) or ())
    tensors = {k: t for k, t in module.state_dict().items() if k not in tied}
    with (folder / f"{name}.safetensors").open("wb") as file:
        _write_header(file, tensors)
        for key, tensor in tensors.items():
            _write_numbers(file, key, tensor)


def _write_header(file: BinaryIO, tensors: dict[str, torch.Tensor]) -> None:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for key, tensor in tensors.items():
        start, end = end, end + 2 * tensor.numel()
        shape = list(tensor.shape)
        header[key] = {"dtype": "BF16", "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # so that tensors lie where pages may be used as they are
    file.write(struct.pack("<Q", len(text)) + text)


def _write_numbers(file: BinaryIO, key: str, tensor: torch.Tensor) -> None:
    count = tensor.numel()
    if tensor.dim() > 1:
        block = torch.randn(min(count, _BLOCK)) / math.sqrt(tensor[0].numel())
    else:
        is_scale = key.endswith(("weight", "running_var"))
        block = torch.full((min(count, _BLOCK),), 1.0 if is_scale else 0.0)
    numbers = block.bfloat16().view(torch.int16).numpy().tobytes()
    whole, rest = divmod(count, len(block))
    for _ in range(whole):
        file.write(numbers)
    file.write(numbers[: 2 * rest])


class Peaks:
    """The most of this process that was resident at once, by its kind."""

    def __init__(self) -> None:
        self.bytes: dict[str, int] = {}

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look many times a second, until the end."""
        is_over = threading.Event()

        def look() -> None:
            while not is_over.wait(_LOOK_EVERY_S):
                for name, now in resident().items():
                    self.bytes[name] = max(self.bytes.get(name, 0), now)

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()


def resident() -> dict[str, int]:
    """Return the bytes of this process that are resident: copies, pages of files, and both."""
    names = {"RssAnon": "copies", "RssFile": "pages of files", "VmRSS": "both"}
    lines = (line.partition(":") for line in _STATUS.read_text().splitlines())
    return {names[n]: int(rest.split()[0]) * 1024 for n, _, rest in lines if n in names}


def way_of(name: str, folder: Path, work: Work, machine: Machine) -> MemoryPlan:
    """Return the plan of a way, by its name; the machine's own where it is `plan`.

    Raises: SystemExit where it does not fit.
    """
    footprint, family = footprint_of(str(folder)), facts_of(str(folder)).family
    assert footprint is not None
    wanted = WAYS[name]
    found = plans(footprint, family, work, machine)
    plan = next((p for p in found if wanted is None or p.is_small == wanted[2]), None)
    if plan is None:
        raise SystemExit(f"{gib(machine.free_bytes)} GB are free, too little for {name}")
    if wanted is None:
        return plan
    return replace(plan, network=wanted[0], encoders=wanted[1], costs=(name,))


def measure(folder: Path, way: str) -> dict[str, Any]:
    """Load the model and make one step of two regions; return seconds and bytes."""
    device = choose_device("cpu")
    region = {"type": "text2image", "row_init": 0, "row_end": _SIDE_PX, "prompt": "a lighthouse"}
    regions = [
        {**region, "col_init": left, "col_end": left + _SIDE_PX, "guidance_scale": 1}
        for left in (0, _SIDE_PX // 2)
    ]
    size = {"canvas_height": _SIDE_PX, "canvas_width": _SIDE_PX * 3 // 2}
    document = {**size, "regions": regions, "num_inference_steps": 1, "seed": 1}
    facts = facts_of(str(folder))
    job = check(document, folder=None, facts=facts).job_or_raise()
    plan = way_of(way, folder, Work.of_job(job), machine_of(device))
    job = resolve_random(job, SystemRandom())
    print(f"plan: {plan.text}", flush=True)
    before, peaks, marks = resident(), Peaks(), [("loading", time.monotonic())]
    with peaks.watched():
        model = load_model(str(folder), device, plan)
        for event in generate(job, model):
            match event:
                case PhaseBegan():
                    marks.append((event.phase, time.monotonic()))
                case StepDone():
                    marks.append(("after the step", time.monotonic()))
        marks.append(("", time.monotonic()))
    seconds: dict[str, float] = {}
    for (name, start), (_, end) in pairwise(marks):
        seconds[name] = round(seconds.get(name, 0) + end - start, 1)
    return {
        "plan": plan.text,
        "dtype": str(device.dtype),
        "parameters": numbers_of(model._network),
        "seconds": seconds,
        "GB before": {name: round(count / 1e9, 2) for name, count in before.items()},
        "GB at the highest": {name: round(count / 1e9, 2) for name, count in peaks.bytes.items()},
    }


def main() -> int:
    """Write the model, measure, and take it away again."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--way", choices=WAYS, action="append", help="(plan)")
    parser.add_argument("--folder", type=Path, help="where the model is kept for the next time")
    options = parser.parse_args()
    if sys.platform != "linux":
        print("left out: what is resident is known on Linux alone")
        return 0
    silence_libraries()
    with tempfile.TemporaryDirectory() as temporary:
        folder: Path = options.folder or Path(temporary)
        if not (folder / INDEX).exists():
            began = time.monotonic()
            write_klein(folder)
            print(f"written in {time.monotonic() - began:.0f} s", flush=True)
        for way in options.way or ["plan"]:
            print(json.dumps(measure(folder, way), indent=1), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
