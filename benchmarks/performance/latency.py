"""Part `latency`: what a person waits for before the first step."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks.performance.clocks import clock_for, medians
from benchmarks.performance.phases import DEMO_JOB
from benchmarks.performance.record import ROOT, Aim, Record
from benchmarks.performance.shapes import Shape, pipeline_of
from engine.contract.protocol import (
    PROTOCOL_VERSION,
    Failure,
    Message,
    Notification,
    Request,
    Result,
    decode,
    encode,
    read_lines,
)
from engine.denoisers.load import BUNDLED_FOLDER, load_components
from engine.devices import Device, choose_device

_SECOND_JOBS = 5
_IMPORTS = {
    "Python alone": "pass",
    "torch": "import torch",
    "the engine, up to a job": "import engine.run, engine.worker",
    "and the model's classes": (
        "import engine.run, engine.worker\n"
        "from diffusers import StableDiffusionPipeline, UNet2DConditionModel, AutoencoderKL\n"
        "from transformers import CLIPTextModel, CLIPTokenizer"
    ),
}


def measure(record: Record, shape: Shape, *, quick: bool) -> None:
    """Imports, the bundled model's and a large model's load, and a second job."""
    _measure_imports(record, rounds=1 if quick else 3)
    device = choose_device()
    _measure_load(record, "the bundled model", BUNDLED_FOLDER, device, rounds=3 if quick else 7)
    if not quick:
        with tempfile.TemporaryDirectory() as folder:
            stored = pipeline_of(shape, device=torch.device("cpu"), dtype=torch.float16)
            stored.vae.to(torch.float16)
            stored.save_pretrained(folder)
            del stored
            _measure_load(record, f"{shape.name}, float16 on disk", Path(folder), device, rounds=3)
    _measure_second_job(record)


def _measure_imports(record: Record, *, rounds: int) -> None:
    part = "Import, a process's whole time"

    def importing(code: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)

    works = {name: importing(code) for name, code in _IMPORTS.items()}
    seconds = medians(works, clock_for(torch.device("cpu")), rounds)
    for name, value in seconds.items():
        record.put(part, name, value, "s")
    ratio = seconds["the engine, up to a job"] / seconds["torch"]
    record.put(part, "the engine over torch alone", ratio)
    record.series["imports"] = seconds


def _measure_load(record: Record, name: str, folder: Path, device: Device, *, rounds: int) -> None:
    """A model's load from a warm disk, beside reading its bytes and moving them."""
    part = f"Load of {name}"
    files = sorted(folder.rglob("*.safetensors"))

    def read_and_move() -> None:
        for path in files:
            raw = torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8)
            raw.to(device.torch_device)

    def load() -> None:
        load_components(str(folder), device)

    load()  # the first imports the model's classes
    seconds = medians({"load": load, "read": read_and_move}, clock_for(device.torch_device), rounds)
    record.put(part, "bytes", sum(path.stat().st_size for path in files), "B")
    record.put(part, "reading and moving its bytes", seconds["read"], "s")
    record.put(part, "loading it", seconds["load"], "s")
    record.put(
        part,
        "loading over reading",
        seconds["load"] / seconds["read"],
        "x",
        Aim(value=1.5, at_least=False),
    )


class _Worker:
    """An engine's process, and when it said what."""

    def __init__(self) -> None:
        self._process: Any = subprocess.Popen(
            [sys.executable, "-m", "engine", "serve"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        self._lines = read_lines(self._process.stdout)
        self._ids = 0

    def ask(self, method: str, **params: Any) -> dict[str, float]:
        """Send a request; return the seconds to its phases, first step and end."""
        self._ids += 1
        began = time.perf_counter()
        self._process.stdin.write(encode(Request(id=self._ids, method=method, params=params)))
        heard: dict[str, float] = {}
        for line in self._lines:
            message: Message = decode(line)
            now = time.perf_counter() - began
            match message:
                case Notification(method="phase"):
                    heard.setdefault(message.params["phase"], now)
                case Notification(method="progress"):
                    heard.setdefault("first step done", now)
                case Result():
                    return {**heard, "end": now}
                case Failure():
                    raise RuntimeError(f"the engine refused {method}: {message}")
        raise RuntimeError(f"the engine ended during {method}")

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(30)


def _measure_second_job(record: Record) -> None:
    part = "A worker and its jobs, bundled model"
    document = {**json.loads(DEMO_JOB.read_text(encoding="utf-8")), "num_inference_steps": 1}
    other = json.loads(json.dumps(document))
    began = time.perf_counter()
    worker = _Worker()
    try:
        with tempfile.TemporaryDirectory() as folder:
            output = str(Path(folder) / "out.png")
            worker.ask("initialize", protocol=PROTOCOL_VERSION, device="auto")
            record.put(part, "from its start to its first answer", time.perf_counter() - began, "s")

            def sent(job: dict[str, Any]) -> float:
                return worker.ask("generate", job=job, output=output)["sampling"]

            record.put(part, "first job, to its first step (loads the model)", sent(document), "s")
            again = median(sent(document) for _ in range(_SECOND_JOBS))
            new_texts = []
            for turn in range(_SECOND_JOBS):
                for place, region in enumerate(other["regions"]):
                    region["prompt"] = f"{region['prompt']} {turn} {place}"
                new_texts.append(sent(other))
            aim = Aim(value=0.2, at_least=False)
            record.put(part, "second job, to its first step", again, "s", aim)
            record.put(
                part, "second job, every text new, to its first step", median(new_texts), "s", aim
            )
            record.series["second_job"] = {"again": again, "new_texts": new_texts}
    finally:
        worker.close()
