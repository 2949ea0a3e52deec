"""A session with a real engine: killed, stopped, cancelled, used a thousand times, out of room."""

from __future__ import annotations

import json
import os
import random
import struct
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.contract.errors import EngineError
from mixdiff_blender.backend import session as session_module
from mixdiff_blender.backend.client import EngineClient
from mixdiff_blender.backend.environment import engine_launch
from mixdiff_blender.backend.job_queue import JobQueue
from mixdiff_blender.backend.session import Session
from mixdiff_blender.backend.states import Done, Generating, Job, JobRequest, Outcome
from tests.engine.conftest import TINY_SD
from tests.faulty_python import FAULTS, POINTS, install

if sys.platform != "win32":
    import resource

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

REGION = {"type": "text2image", "row_init": 0, "row_end": 64, "col_init": 0, "col_end": 64}
JOB: dict[str, Any] = {
    "version": 1,
    "model": str(TINY_SD),
    "scheduler": "ddim",
    "num_inference_steps": 1,
    "seed": 5,
    "canvas_height": 64,
    "canvas_width": 64,
    "regions": [{**REGION, "prompt": "a house", "guidance_scale": 7.5}],
}
TOKEN = "hf_" + "NeverWriteThisDown"


class Engine:
    """An engine and its queue, where it writes, and what it can be asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        variables = {**os.environ, "HF_TOKEN": TOKEN, "HF_HUB_OFFLINE": "1"}
        python, self.plan = install(folder)
        self.launch = engine_launch(python, variables)
        self.session = Session(self._connect)
        self.queue = JobQueue([self.session])
        self.started = 0

    def _connect(self) -> EngineClient:
        self.started += 1
        return EngineClient(self.launch, log_file=self.folder / "logs" / "engine.log")

    @property
    def pid(self) -> int:
        pid = self.session.engine_pid
        assert pid is not None
        return pid

    def add(
        self, output: Path, ends: list[Outcome], *, folder: Path | None = None, **changes: Any
    ) -> Job:
        document = {**JOB, **changes}
        request = JobRequest(document=document, folder=folder or self.folder, output=output)
        return self.queue.add(request, ends.append)

    def until(self, condition: Callable[[], bool], seconds: float = 250) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, self.session.state
            self.queue.pump(wait_s=0.002)

    def make(self, output: Path, **changes: Any) -> Outcome:
        ends: list[Outcome] = []
        self.add(output, ends, **changes)
        self.until(lambda: bool(ends))
        return ends[0]

    def is_in(self, phase: str) -> bool:
        state = self.session.state
        return isinstance(state, Generating) and state.progress.phase == phase


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(tmp_path_factory.mktemp("engine"))
    yield engine
    engine.queue.stop()


@pytest.fixture
def output(tmp_path: Path) -> Path:
    (tmp_path / "results").mkdir()
    return tmp_path / "results" / "out.png"


def _kind(outcome: Outcome) -> str:
    return outcome.kind if isinstance(outcome, EngineError) else "done"


@pytest.mark.parametrize(
    ("fault", "point"),
    [*(("kill", point) for point in POINTS), *((fault, "sampling") for fault in FAULTS[::2])],
)
def test_an_engine_that_fails_at_any_point_costs_its_job_alone(
    fault: str,
    point: str,
    engine: Engine,
    output: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session_module, "CANCEL_GRACE_S", 0.3)
    monkeypatch.setattr(session_module, "_PATIENCE_S", 0.0)
    if point == "starting":
        engine.queue.stop()
    elif point == "loading":
        engine.session.unload()
    told = engine.plan.with_suffix(".told")
    told.unlink(missing_ok=True)
    output.write_bytes(b"what was there before")
    engine.plan.write_text(f"{fault}@{point}")
    ends: list[Outcome] = []
    engine.add(output, ends)
    engine.add(output.with_name("next.png"), ends)
    if fault == "stop":
        engine.until(lambda: told.exists() and _is_stopped(engine.pid))
        assert not ends
        engine.queue.cancel()
    engine.until(lambda: len(ends) == 2)
    assert isinstance(ends[0], EngineError)
    assert ends[0].kind == ("cancelled" if fault == "stop" else "crashed")
    if fault != "stop":
        assert {"exit": "exit code 1", "kill": "SIGKILL"}[fault] in str(ends[0])
    assert isinstance(ends[1], Done)
    assert output.read_bytes() == b"what was there before"
    assert sorted(path.name for path in output.parent.iterdir()) == ["next.png", "out.png"]
    assert not Path(f"/proc/{json.loads(told.read_text())['pid']}").exists()


def _is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def test_a_hundred_cancels_at_random_moments_end_a_hundred_jobs(
    engine: Engine, output: Path
) -> None:
    moments = random.Random(7)
    assert isinstance(engine.make(output), Done)
    started = engine.started
    for _ in range(100):
        ends: list[Outcome] = []
        engine.add(output, ends, num_inference_steps=200)
        end = time.monotonic() + moments.uniform(0, 0.12)
        while time.monotonic() < end:
            engine.queue.pump(wait_s=0.005)
        asked_at = time.monotonic()
        engine.queue.cancel()
        engine.until(lambda ends=ends: bool(ends))  # type: ignore[misc]
        assert _kind(ends[0]) == "cancelled"
        assert time.monotonic() - asked_at < 3
    assert isinstance(engine.make(output), Done)
    assert engine.started == started, "no cancel had to end the engine"


def _handles(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def _handles_at_rest(*pids: int) -> list[int]:
    """Count the handles of processes once two looks agree: a log opens its file for moments."""
    found: list[int] = []
    while (again := [_handles(pid) for pid in pids]) != found:
        found = again
        time.sleep(0.5)
    return found


def _memory_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_thousand_jobs_leave_no_memory_and_no_handle_behind(engine: Engine, output: Path) -> None:
    ends: list[Outcome] = []

    def make(count: int) -> None:
        target = len(ends) + count
        for _ in range(count):
            engine.add(output, ends)
        engine.until(lambda: len(ends) == target, 500)

    make(200)
    memory_mb, handles = _memory_mb(engine.pid), _handles_at_rest(engine.pid, os.getpid())
    threads = threading.active_count()
    make(800)
    assert all(isinstance(end, Done) for end in ends)
    assert _memory_mb(engine.pid) - memory_mb < 30
    assert _handles_at_rest(engine.pid, os.getpid()) == handles
    assert threading.active_count() <= threads
    assert [path.name for path in output.parent.iterdir()] == ["out.png"]


def _listening(pid: int) -> list[str]:
    """Return the sockets of a process that listen."""
    inodes = set()
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(handle.readlink())
        except FileNotFoundError:
            continue  # closed just now
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[9] in inodes and (words[3] == "0A" or table.startswith("udp")):
                found.append(line)
    return found


def test_no_socket_listens_at_any_time_and_the_token_is_written_nowhere(
    engine: Engine, output: Path
) -> None:
    engine.queue.stop()
    ends: list[Outcome] = []
    engine.add(output, ends, num_inference_steps=300)
    seen = set()

    def look() -> bool:
        seen.add(type(engine.session.state).__name__)
        assert _listening(engine.pid) == []
        return bool(ends)

    engine.until(look)
    assert {"Starting", "Generating"} <= seen
    assert isinstance(engine.make(output, model="no/such-model"), EngineError)
    everything = [*engine.folder.rglob("*"), *output.parent.rglob("*")]
    files = [path for path in everything if path.is_file()]
    assert output in files
    assert any(path.suffix == ".log" for path in files)
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]


@pytest.mark.parametrize("limit", [0, 100, 3000])
def test_a_full_disk_is_said_and_what_was_there_before_stays(
    limit: int, engine: Engine, output: Path
) -> None:
    assert isinstance(engine.make(output), Done)
    before = output.read_bytes()
    assert len(before) > limit
    resource.prlimit(engine.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    end = engine.make(output, seed=6)
    assert isinstance(end, EngineError)
    assert end.kind == "output"
    assert "cannot be written" in end.message
    assert output.read_bytes() == before
    assert [path.name for path in output.parent.iterdir()] == ["out.png"]
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(engine.pid, resource.RLIMIT_FSIZE, unlimited)
    assert isinstance(engine.make(output, seed=6), Done)
    assert output.read_bytes() != before


@pytest.mark.parametrize(
    "name", ["a b.png", "'single' and \"double\".png", "$(touch x);`id`.png", "картина 絵 ✓.png"]
)
def test_names_with_spaces_quotes_and_any_letters_are_just_names(
    name: str, engine: Engine, output: Path
) -> None:
    folder = output.with_name(f"in {name}")
    picture = folder / name
    assert isinstance(engine.make(picture), Done)
    assert [path.name for path in folder.iterdir()] == [name]
    reference = {**REGION, "type": "image2image", "reference_image": name, "strength": 0.5}
    again = engine.make(output, folder=folder, regions=[*JOB["regions"], reference])
    assert isinstance(again, Done), again


def test_the_longest_name_that_a_file_can_have_is_written(engine: Engine, output: Path) -> None:
    longest = output.with_name("x" * 251 + ".png")
    assert isinstance(engine.make(longest), Done)
    assert [path.name for path in output.parent.iterdir()] == [longest.name]
    assert _kind(engine.make(output.with_name("x" * 252 + ".png"))) == "output"


def _bomb(side: int) -> bytes:
    """Return a PNG of a few bytes that says to be enormous."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(10**6))
    parts = [(b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (_bomb(60_000), "60000"),
        (_bomb(11_000), "bad.png"),
        (b"", "bad.png"),
        (b"\x89PNG\r\n\x1a\n", "bad.png"),
        (_bomb(64)[:-20], "bad.png"),
        (b"not a picture at all" * 50, "bad.png"),
        (b"\xff\xd8\xff\xe0" + bytes(300), "bad.png"),
    ],
    ids=["bomb", "less than it says", "empty", "header", "truncated", "text", "half a JPEG"],
)
def test_a_picture_that_cannot_be_read_is_named_and_costs_no_memory(
    content: bytes, says: str, engine: Engine, output: Path
) -> None:
    assert isinstance(engine.make(output), Done)
    (output.parent / "bad.png").write_bytes(content)
    region = {**REGION, "type": "image2image", "reference_image": "bad.png", "strength": 0.5}
    before = _memory_mb(engine.pid)
    end = engine.make(output, folder=output.parent, regions=[*JOB["regions"], region])
    assert isinstance(end, EngineError)
    assert end.kind in ("job", "picture")
    assert says in str(end)
    assert _memory_mb(engine.pid) - before < 500


@pytest.mark.parametrize("damage", ["empty", "half", "text", "no weights", "absent", "pickle"])
def test_a_model_that_cannot_be_loaded_is_named_and_the_engine_lives_on(
    damage: str, engine: Engine, output: Path, tmp_path: Path
) -> None:
    import shutil

    model = tmp_path / "a broken model"
    shutil.copytree(TINY_SD, model)
    weights = next((model / "unet").glob("*.safetensors"))
    match damage:
        case "empty":
            weights.write_bytes(b"")
        case "half":
            weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
        case "text":
            (model / "model_index.json").write_text("{not json")
        case "no weights":
            weights.unlink()
        case "absent":
            shutil.rmtree(model)
        case "pickle":
            weights.rename(weights.with_name("diffusion_pytorch_model.bin"))
    end = engine.make(output, model=str(model))
    assert isinstance(end, EngineError)
    assert end.kind == "model", end
    assert "a broken model" in str(end)
    assert end.advice
    assert isinstance(engine.make(output), Done)
