"""Part `latency`: what a person waits for before the first step."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any, BinaryIO

import torch

from benchmarks.performance.clocks import clock_for, medians
from benchmarks.performance.phases import DEMO_JOB
from benchmarks.performance.record import ROOT, Aim, Record
from benchmarks.performance.shapes import Shape, pipeline_of
from engine.contract.catalogue import BUNDLED_FOLDER
from engine.contract.protocol import (
    PROTOCOL_VERSION,
    Failure,
    Message,
    Notification,
    ProtocolError,
    Request,
    Result,
    decode,
    encode,
    read_lines,
)
from engine.families.loading import load_model
from engine.runtime.devices import Device, choose_device

_SECOND_JOBS = 5
_IMPORTS = {
    "Python alone": "pass",
    "torch": "import torch",
    "the engine, up to a job": "import engine.run, engine.serve",
    "and the model's classes": (
        "import engine.run, engine.serve\n"
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
        load_model(str(folder), device)

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


def _messages(stream: BinaryIO) -> Iterator[Message]:
    for line in read_lines(stream):
        if isinstance(line, ProtocolError):
            raise line
        yield decode(line)


class _Worker:
    """An engine's process, and when it said what."""

    def __init__(self) -> None:
        process: Any = subprocess.Popen(
            [sys.executable, "-m", "engine", "serve"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        self._process = process
        self._messages = _messages(process.stdout)
        self._ids = 0

    def _send(self, method: str, **params: Any) -> int:
        self._ids += 1
        self._process.stdin.write(encode(Request(id=self._ids, method=method, params=params)))
        return self._ids

    def initialize(self) -> None:
        """Wait for the first answer."""
        asked = self._send("initialize", protocol=PROTOCOL_VERSION)
        self._end_of(asked)

    def seconds_to_first_step(self, job: dict[str, Any], output: str) -> float:
        """Send a job, cancel it once its first step begins, and return the seconds to there."""
        began = time.perf_counter()
        asked = self._send("generate", job=job, output=output)
        for message in self._messages:
            match message:
                case Notification(method="phase", params={"phase": "sampling"}):
                    seconds = time.perf_counter() - began
                    self._send("cancel", id=asked)
                    self._end_of(asked)
                    return seconds
                case Failure() as failure:
                    raise RuntimeError(f"the engine refused the job: {failure}")
        raise RuntimeError("the engine ended before the first step")

    def _end_of(self, asked: int) -> None:
        for message in self._messages:
            match message:
                case Result(id=id_) | Failure(id=id_) if id_ == asked:
                    return
        raise RuntimeError("the engine ended before it answered")

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(30)


def _measure_second_job(record: Record) -> None:
    part = "A worker and its jobs, bundled model"
    document = json.loads(DEMO_JOB.read_text(encoding="utf-8"))
    began = time.perf_counter()
    worker = _Worker()
    try:
        with tempfile.TemporaryDirectory() as folder:
            output = str(Path(folder) / "out.png")

            def sent(job: dict[str, Any]) -> float:
                return worker.seconds_to_first_step(job, output)

            worker.initialize()
            record.put(part, "from its start to its first answer", time.perf_counter() - began, "s")
            record.put(part, "first job, to its first step (loads the model)", sent(document), "s")
            again = [sent(document) for _ in range(_SECOND_JOBS)]
            new_texts = [sent(_retold(document, turn)) for turn in range(_SECOND_JOBS)]
    finally:
        worker.close()
    aim = Aim(value=0.2, at_least=False)
    record.put(part, "second job, to its first step", median(again), "s", aim)
    record.put(part, "second job of new texts, to its first step", median(new_texts), "s", aim)
    record.series["second_job"] = {"again": again, "new_texts": new_texts}


def _retold(document: dict[str, Any], turn: int) -> dict[str, Any]:
    """Return a job whose texts the engine has not seen yet."""
    regions = [{**region, "prompt": f"{region['prompt']} {turn}"} for region in document["regions"]]
    return {**document, "regions": regions}
