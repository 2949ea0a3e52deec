"""What a worker does before anybody asks for a picture: imports, and the model."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from engine.contract import protocol
from engine.contract.protocol import Failure, Result
from engine.process.imports import for_good
from tests.contract.jobs import right_job
from tests.engine.conftest import TINY_SD
from tests.engine.worker_process import CHECKOUT, WorkerProcess

JOB = {**right_job(), "num_inference_steps": 2}


@pytest.fixture
def worker() -> Iterator[WorkerProcess]:
    """A worker whose first answer nobody has waited for."""
    process = WorkerProcess()
    process.send("initialize", protocol=1, device="cpu", model=str(TINY_SD))
    yield process
    process.close()


def made(worker: WorkerProcess, folder: Path) -> Any:
    return worker.result(worker.send("generate", job=JOB, output=str(folder / "out.png")))


def test_what_was_preloaded_is_not_loaded_again(worker: WorkerProcess, tmp_path: Path) -> None:
    assert "GB" in worker.result(worker.send("preload"))["memory"]
    preloaded_s = made(worker, tmp_path)["timings_s"]["loading"]
    worker.result(worker.send("unload"))
    loaded_s = made(worker, tmp_path)["timings_s"]["loading"]
    assert preloaded_s < loaded_s / 3


def test_libraries_alone_are_imported_without_a_model(
    worker: WorkerProcess, tmp_path: Path
) -> None:
    told = worker.result(worker.send("preload", model="nothing here", only_libraries=True))
    assert told == {"memory": ""}
    assert made(worker, tmp_path)["output"] == str(tmp_path / "out.png")


def test_a_job_that_comes_meanwhile_takes_the_preloads_place(
    worker: WorkerProcess, tmp_path: Path
) -> None:
    ahead = worker.send("preload")
    asked = worker.send("generate", job=JOB, output=str(tmp_path / "out.png"))
    ends = worker.ends_of({ahead, asked})
    given_up, done = ends[ahead], ends[asked]
    assert isinstance(given_up, Failure)
    assert given_up.code == protocol.REQUEST_CANCELLED
    assert isinstance(done, Result)
    assert (tmp_path / "out.png").exists()


@pytest.mark.parametrize(
    ("params", "kind", "says"),
    [
        ({"model": "nothing here"}, "model", "nothing here"),
        ({"model": 3}, "protocol", "params.model"),
        ({"weights": False}, "protocol", "params.weights"),
    ],
)
def test_a_preload_that_fails_says_why_and_leaves_the_worker_as_it_was(
    params: dict[str, Any], kind: str, says: str, worker: WorkerProcess, tmp_path: Path
) -> None:
    end = worker.end_of(worker.send("preload", **params))
    assert isinstance(end, Failure)
    assert protocol.exception(end).kind == kind
    assert says in end.message
    assert made(worker, tmp_path)["output"] == str(tmp_path / "out.png")


def test_a_preload_before_initialize_is_refused() -> None:
    worker = WorkerProcess()
    end = worker.end_of(worker.send("preload"))
    assert isinstance(end, Failure)
    assert "before initialize" in end.message
    worker.close()


def test_a_preload_can_be_cancelled(worker: WorkerProcess, tmp_path: Path) -> None:
    ahead = worker.send("preload")
    asked = worker.send("cancel", id=ahead)
    ends = worker.ends_of({ahead, asked})
    given_up, answer = ends[ahead], ends[asked]
    assert isinstance(answer, Result)
    assert answer.result == {"cancelled": True}
    assert isinstance(given_up, Failure)
    assert given_up.code == protocol.REQUEST_CANCELLED
    assert made(worker, tmp_path)


def test_a_worker_that_preloads_ends_with_its_stdin() -> None:
    worker = WorkerProcess()
    worker.result(worker.send("initialize", protocol=1, device="cpu"))
    worker.send("preload")
    assert worker.process.stdin is not None
    worker.process.stdin.close()
    assert worker.ended_within(2.5)


def test_garbage_is_looked_for_again_after_an_import() -> None:
    assert gc.isenabled()
    with for_good():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ImportError), for_good():
        import_module("nothing.of.this.name")
    assert gc.isenabled()


def test_a_model_that_is_unloaded_gives_its_memory_back() -> None:
    """What is imported for good must not keep a model, whose parts know each other."""
    script = (
        "import gc, io, json, sys, weakref\n"
        "from pathlib import Path\n"
        "from engine.contract.protocol import Request\n"
        "from engine.process.imports import for_good\n"
        "from engine.process.wire import Wire\n"
        "from engine.serve import Worker\n"
        "worker = Worker(Wire(io.BytesIO()))\n"
        f"model = {str(TINY_SD)!r}\n"
        "for n, (method, params) in enumerate([\n"
        "    ('initialize', {'protocol': 1, 'device': 'cpu', 'model': model}),\n"
        "    ('preload', {})]):\n"
        "    worker._answer(Request(id=n, method=method, params=params))\n"
        "network = weakref.ref(worker._keeper._model.network)\n"
        "assert network() is not None\n"
        "with for_good():\n"  # as another family's job would
        "    import wave\n"
        "worker._answer(Request(id=9, method='unload'))\n"
        "assert network() is None\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=CHECKOUT, timeout=120, check=True)
