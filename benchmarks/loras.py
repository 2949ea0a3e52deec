"""`python -m benchmarks.loras`: what LoRAs cost, loaded, switched and at work.

A model of a real shape with random weights, and LoRAs of rank 16 for all attention and feed-forward
layers of its network. Switching is timed beside the calls of the network that it stands between.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

import torch
from safetensors.torch import save_file
from torch import nn

from benchmarks.performance.clocks import clock_for
from benchmarks.performance.shapes import SHAPES, pipeline_of
from engine.contract.lora import Lora
from engine.families.base import Model
from engine.families.loading import model_of
from engine.process.quiet import silence_libraries
from engine.runtime.batching import Batch, Text
from engine.runtime.devices import choose_device
from engine.runtime.windows import Window

_LAYERS = re.compile(r"(?:to_[qkv]|to_out\.0|ff\.net\.\d+(?:\.proj)?)$")
_RANK = 16
_COUNT = 3
_SWITCHES = 200


def write_lora(path: Path, network: nn.Module, seed: int) -> int:
    """Write a LoRA for a network, and return how many layers it has."""
    generator, tensors = torch.Generator().manual_seed(seed), {}
    for name, module in network.named_modules():
        if isinstance(module, nn.Linear) and _LAYERS.search(name):
            outputs, inputs = module.weight.shape
            for key, shape in (("A", (_RANK, inputs)), ("B", (outputs, _RANK))):
                values = torch.randn(shape, generator=generator) * 0.01
                tensors[f"unet.{name}.lora_{key}.weight"] = values.half()
    save_file(tensors, path)
    return len(tensors) // 2


def measure(model: Model, side_cells: int, calls: int) -> Mapping[str, float]:
    """Return the figures by their names; seconds, and ratios."""
    clock = clock_for(model.device.torch_device)
    window = Window(top=0, bottom=side_cells, left=0, right=side_cells)
    encoded = model.condition(model.encode(Text(prompt="a tower")), window, 7.5)
    batch = Batch(
        latents=torch.randn(
            (1, model.channels, side_cells, side_cells), device=model.network_device
        ),
        timestep=torch.full((1,), 500.0, device=model.network_device),
        conditioning=encoded,
    )

    def called() -> float:
        return median(clock.time(lambda: model.call(batch))[0] for _ in range(calls))

    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        network = getattr(model._pipeline, model.family.network)
        files = {str(n): Path(folder, f"{n}.safetensors") for n in range(_COUNT)}
        layers = [write_lora(path, network, int(name)) for name, path in files.items()]
        found["layers of a LoRA"] = layers[0]
        model.call(batch)
        found["a call without LoRAs, s"] = plain = called()
        began = time.perf_counter()
        model.loras.hold(files)
        found["loading three, s"] = time.perf_counter() - began
        sets = [model.loras.set_of([Lora(lora=name)]) for name in files]
        both = model.loras.set_of([Lora(lora=name, weight=0.5) for name in files])
        found["a call, three held and none used: ratio"] = called() / plain
        for title, wanted in (("one", sets[0]), ("three", both)):
            model.loras.use(wanted)
            found[f"a call with {title}: ratio"] = called() / plain
        found["a switch, s"] = _of_each(lambda n: model.loras.use(sets[n % _COUNT]))
        weights = [model.loras.set_of([Lora(lora="0", weight=1 + n)]) for n in range(2)]
        found["a switch to another weight, s"] = _of_each(lambda n: model.loras.use(weights[n % 2]))
        began = time.perf_counter()
        model.loras.hold({})
        found["taking them out, s"] = time.perf_counter() - began
        found["a call after that: ratio"] = called() / plain
    return found


def _of_each(work: Callable[[int], None]) -> float:
    began = time.perf_counter()
    for number in range(_SWITCHES):
        work(number)
    return (time.perf_counter() - began) / _SWITCHES


@torch.inference_mode()
def main(arguments: list[str] | None = None) -> Mapping[str, float]:
    """Measure and show."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.loras", description=__doc__)
    options.add_argument("--shape", choices=SHAPES, default="sd15")
    options.add_argument("--device", default="auto")
    options.add_argument("--dtype", default="auto")
    options.add_argument("--cells", type=int, default=40, help="a side of the window, in cells")
    options.add_argument("--calls", type=int, default=5, help="of each kind, for the median")
    given = options.parse_args(arguments)
    silence_libraries()
    device = choose_device(given.device, given.dtype)
    pipeline = pipeline_of(SHAPES[given.shape], device=device.torch_device, dtype=device.dtype)
    found = measure(model_of(pipeline, device), given.cells, given.calls)
    print(f"{SHAPES[given.shape].name}, {device.name}, {device.dtype}, {given.cells} cells a side")
    for name, value in found.items():
        print(f"{name:44} {value:10.4g}")
    return found


if __name__ == "__main__":
    main()
