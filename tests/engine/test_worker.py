"""The worker as a real process: spoken to, garbled, cancelled, killed, left alone."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.contract import protocol
from engine.contract.protocol import Failure, Notification, Result
from tests.contract.jobs import right_job
from tests.contract.model_files import write_weights
from tests.engine.worker_process import CHECKOUT, WorkerProcess

JOB = {**right_job(), "num_inference_steps": 3}
LONG_JOB = {**JOB, "num_inference_steps": 900, "scheduler": "ddim"}
PHASES = ["loading", "encoding", "sampling", "decoding", "writing"]


@pytest.fixture(scope="module")
def worker() -> Iterator[WorkerProcess]:
    process = WorkerProcess(device="cpu")
    yield process
    process.close()


def test_initialize_tells_what_it_speaks_and_runs_on() -> None:
    worker = WorkerProcess()
    told = worker.result(worker.send("initialize", protocol=1, device="cpu", dtype="bfloat16"))
    assert told["protocol"] == 1
    assert (told["device"], told["dtype"]) == ("cpu", "bfloat16")
    assert told["pid"] == worker.process.pid
    assert worker.result(worker.send("shutdown")) == {}
    assert worker.ended_within(5)
    assert worker.process.returncode == 0


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({}, "params.protocol"),
        ({"protocol": 2}, "version 1"),
        ({"protocol": 1, "device": "cdua"}, "'cuda'"),
        ({"protocol": 1, "devise": "cpu"}, "'device'"),
        ({"protocol": 1, "compile": True}, "params.compile"),
        ({"protocol": 1, "limits": {"max_canvas_px": 0}}, "params.max_canvas_px"),
    ],
)
def test_wrong_initialize_params_are_named(
    params: dict[str, Any], says: str, worker: WorkerProcess
) -> None:
    end = worker.end_of(worker.send("initialize", **params))
    assert isinstance(end, Failure)
    assert end.code == protocol.INVALID_PARAMS
    assert says in end.message


def test_a_job_runs_tells_its_progress_and_ends_in_a_file(
    worker: WorkerProcess, tmp_path: Path
) -> None:
    output = tmp_path / "out.png"
    id_ = worker.send(
        "generate",
        job={**JOB, "seed": None},
        output=str(output),
        latents=str(tmp_path / "l.npz"),
        preview_every_s=1e-6,
    )
    start = len(worker.heard)
    told = worker.result(id_)
    news = [m for m in worker.heard[start:] if isinstance(m, Notification)]
    assert {m.params["id"] for m in news} == {id_}
    assert [m.params["phase"] for m in news if m.method == "phase"] == PHASES
    steps = [m.params for m in news if m.method == "progress"]
    assert [s["step"] for s in steps] == list(range(1, steps[-1]["steps"] + 1))
    rows = [(m.params["row"], m.params["rows"]) for m in news if m.method == "rows"]
    assert rows == [(64, 64)]
    preview = next(m.params for m in news if m.method == "preview")
    shown = Image.open(io.BytesIO(base64.b64decode(preview["image"])))
    assert shown.size == (preview["width_px"], preview["height_px"]) == (16, 8)
    assert told["output"] == str(output)
    assert Image.open(output).size == (128, 64)
    assert np.load(tmp_path / "l.npz")["latents"].shape == (1, 4, 8, 16)
    assert isinstance(told["job"]["seed"], int)
    assert set(told["timings_s"]) == set(PHASES)


def test_the_model_stays_loaded_between_jobs_until_unloaded(
    worker: WorkerProcess, tmp_path: Path
) -> None:
    def loading_s() -> float:
        id_ = worker.send("generate", job=JOB, output=str(tmp_path / "o.png"))
        seconds: float = worker.result(id_)["timings_s"]["loading"]
        return seconds

    loading_s()
    kept = loading_s()
    assert worker.result(worker.send("unload")) == {}
    loaded_again = loading_s()
    assert kept < loaded_again / 5


def test_validate_lists_problems_and_warnings(worker: WorkerProcess) -> None:
    told = worker.result(worker.send("validate", job={**JOB, "seed": -1}))
    assert [(p["field"], p["severity"]) for p in told["problems"]] == [("seed", "error")]


def test_validate_answers_for_the_model_too(worker: WorkerProcess, tmp_path: Path) -> None:
    write_weights(tmp_path / "house.SAFETENSORS", {"lora_unet_mid_block.lora_down.weight": (4, 8)})
    for model, says in (("house.SAFETENSORS", "is a LoRA"), ("nothing", "no folder or file")):
        job = {**JOB, "model": model}
        (problem,) = worker.result(worker.send("validate", job=job, folder=str(tmp_path)))[
            "problems"
        ]
        assert problem["field"] == "model"
        assert says in problem["message"]


@pytest.mark.parametrize(
    ("params", "kind", "says"),
    [
        ({"job": {**JOB, "seed": -1}}, "job", "seed: -1"),
        ({"job": {**JOB, "model": "nothing here"}}, "model", "nothing here"),
        ({"job": JOB, "output": "/dev/null/x.png"}, "output", "cannot be written"),
        ({"job": JOB, "output": 3}, "protocol", "params.output"),
        ({"output": "x.png"}, "protocol", "params.job"),
        ({"job": JOB, "ouput": "x"}, "protocol", "'output'"),
    ],
)
def test_a_job_that_fails_is_one_clear_error_and_the_next_succeeds(
    params: dict[str, Any], kind: str, says: str, worker: WorkerProcess, tmp_path: Path
) -> None:
    right = {"output": str(tmp_path / "o.png")}
    end = worker.end_of(worker.send("generate", **{**right, **params}))
    assert isinstance(end, Failure)
    assert protocol.exception(end).kind == kind
    assert says in end.message
    assert worker.result(worker.send("generate", job=JOB, **right))["output"] == right["output"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"garbage\n", protocol.PARSE_ERROR),
        (b"\xff\xfe\x00\n", protocol.PARSE_ERROR),
        (b'{"jsonrpc": "2.0"}\n', protocol.INVALID_REQUEST),
        (b"x" * (protocol.MAX_MESSAGE_BYTES + 10) + b"\n", protocol.INVALID_REQUEST),
        (b"x" * (100 * 2**20) + b"\n", protocol.INVALID_REQUEST),
    ],
)
def test_a_corrupted_line_is_one_error_and_the_next_request_is_answered(
    line: bytes, code: int, worker: WorkerProcess
) -> None:
    worker.write(line)
    end = worker.end_of(None)
    assert isinstance(end, Failure)
    assert end.code == code
    assert worker.result(worker.send("validate", job=JOB)) == {"problems": []}


def test_an_unknown_method_names_the_known_ones(worker: WorkerProcess) -> None:
    end = worker.end_of(worker.send("paint"))
    assert isinstance(end, Failure)
    assert end.code == protocol.METHOD_NOT_FOUND
    assert "generate" in end.message


@pytest.mark.parametrize("phase", PHASES)
def test_a_job_cancelled_in_any_phase_ends_at_once_and_the_next_succeeds(
    phase: str, tmp_path: Path
) -> None:
    worker = WorkerProcess(device="cpu")
    output = tmp_path / "cancelled.png"
    # Short where cancelling would come too early for the phase, long where it must cut in.
    job = LONG_JOB if phase in PHASES[:3] else JOB
    id_ = worker.send("generate", job=job, output=str(output))
    worker.wait_for("phase", phase=phase)
    asked = worker.send("cancel", id=id_)
    ends = worker.ends_of({asked, id_})
    end, answer = ends[id_], ends[asked]
    if isinstance(end, Failure):
        assert isinstance(answer, Result)
        assert answer.result == {"cancelled": True}
        assert end.code == protocol.REQUEST_CANCELLED
        assert not output.exists()
    else:  # it was done before the cancel could be heard
        assert phase in PHASES[3:]
        assert output.exists()
    assert worker.result(worker.send("cancel", id=id_)) == {"cancelled": False}
    assert worker.result(worker.send("generate", job=JOB, output=str(output)))
    worker.close()


def test_a_job_that_waits_can_be_cancelled_too(worker: WorkerProcess, tmp_path: Path) -> None:
    first = worker.send("generate", job=LONG_JOB, output=str(tmp_path / "a.png"))
    second = worker.send("generate", job=JOB, output=str(tmp_path / "b.png"))
    worker.wait_for("progress", id=first)
    for id_ in (second, first):
        assert worker.result(worker.send("cancel", id=id_)) == {"cancelled": True}
    for id_ in (first, second):
        end = worker.end_of(id_)
        assert isinstance(end, Failure)
        assert end.code == protocol.REQUEST_CANCELLED
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("phase", ["loading", "sampling"])
def test_the_worker_ends_with_its_stdin(phase: str, tmp_path: Path) -> None:
    worker = WorkerProcess(device="cpu")
    worker.send("generate", job=LONG_JOB, output=str(tmp_path / "o.png"))
    worker.wait_for("phase", phase=phase)
    assert worker.process.stdin is not None
    worker.process.stdin.close()
    assert worker.ended_within(2.5)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("phase", PHASES)
def test_a_killed_worker_leaves_no_half_file(phase: str, tmp_path: Path) -> None:
    worker = WorkerProcess(device="cpu")
    worker.send("generate", job=JOB, output=str(tmp_path / "o.png"))
    worker.wait_for("phase", phase=phase)
    worker.kill()
    left = list(tmp_path.glob("*.png"))
    assert all(Image.open(path).size == (128, 64) for path in left)


def test_nothing_that_a_library_prints_reaches_the_wire() -> None:
    script = (
        "import os, sys, threading\n"
        "from engine import serve as worker\n"
        "run = worker.Worker.run\n"
        "def noisy(self):\n"
        "    print('a stray print'); os.write(1, b'a stray write\\n'); run(self)\n"
        "worker.Worker.run = noisy\n"
        "worker.serve()\n"
    )
    line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "shutdown"}) + "\n"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=CHECKOUT,
        input=line,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout) == {"jsonrpc": "2.0", "id": 1, "result": {}}
    assert "a stray print" in done.stderr
    assert "a stray write" in done.stderr


def test_the_log_goes_to_the_file_that_initialize_names(tmp_path: Path) -> None:
    log = tmp_path / "engine.log"
    worker = WorkerProcess(device="cpu", log_file=str(log))
    worker.result(worker.send("shutdown"))
    assert "ready on" in log.read_text()
