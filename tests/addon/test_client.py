"""The engine's client against a worker that misbehaves: every request ends exactly once."""

from __future__ import annotations

import os
import queue
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.contract.errors import EngineError
from mixdiff_blender.backend.client import (
    Answer,
    EngineClient,
    EngineNotification,
    ErrorResponse,
    Event,
    Launch,
    ProcessExit,
)
from tests.addon.conftest import FAKE_WORKER

Start = Callable[..., EngineClient]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    clients: list[EngineClient] = []

    def begin(fault: str = "") -> EngineClient:
        launch = Launch(
            command=(sys.executable, str(FAKE_WORKER)), environment={**os.environ, "FAULT": fault}
        )
        clients.append(EngineClient(launch, log_file=tmp_path / "logs" / "engine.log"))
        return clients[-1]

    yield begin
    for client in clients:
        client.stop()
        assert not _is_there(client.pid)


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def events_until_end(client: EngineClient, id_: int) -> list[Event]:
    """Wait for a request's end and return everything that was told up to it."""
    told: list[Event] = []
    while not (told and isinstance(told[-1], Answer | ErrorResponse) and told[-1].id == id_):
        told.append(client.events.get(timeout=30))
    return told


def end_of(client: EngineClient, id_: int) -> Event:
    return events_until_end(client, id_)[-1]


def test_a_request_is_answered_after_its_news(start: Start) -> None:
    client = start()
    id_ = client.request("generate", {"job": "ü"})
    news, answer = events_until_end(client, id_)
    assert news == EngineNotification(id=id_, method="progress", params={"step": 1, "steps": 2})
    assert answer == Answer(id=id_, result={"echo": {"job": "ü"}})


def test_a_refusal_brings_its_kind_and_its_advice(start: Start) -> None:
    client = start()
    end = end_of(client, client.request("generate", {"refuse": True}))
    assert isinstance(end, ErrorResponse)
    assert (end.error.kind, end.error.advice) == ("memory", "use a smaller canvas")


@pytest.mark.parametrize("moment", ["start", "initialize", "generate", "step"])
@pytest.mark.parametrize("fault", ["exit", "kill", "half", "garbage", "flood"])
def test_whatever_the_worker_does_each_request_ends_in_one_error(
    fault: str, moment: str, start: Start
) -> None:
    client = start(f"{fault}@{moment}")
    ids = [client.request("initialize", {}), client.request("generate", {"job": 1})]
    ends: dict[int, list[Event]] = {id_: [] for id_ in ids}
    while True:
        event = client.events.get(timeout=30)
        if isinstance(event, ProcessExit):
            break
        if isinstance(event, Answer | ErrorResponse):
            ends[event.id].append(event)
    assert [len(ended) for ended in ends.values()] == [1, 1]
    last = ends[ids[1]][0]
    assert isinstance(last, ErrorResponse)
    assert last.error.kind in ("crashed", "protocol")
    if fault == "exit":
        assert "exit code 3" in str(last.error)
        assert "the last words" in str(last.error)
    assert not client.is_running


def test_a_request_after_the_end_is_refused_at_once(start: Start) -> None:
    client = start("exit@start")
    while not isinstance(client.events.get(timeout=30), ProcessExit):
        pass
    assert isinstance(end_of(client, client.request("generate", {})), ErrorResponse)


def test_a_worker_that_says_nothing_is_ended_when_its_time_is_up(start: Start) -> None:
    client = start("silence@initialize")
    end = end_of(client, client.request("initialize", {}, timeout_s=0.5))
    assert isinstance(end, ErrorResponse)
    assert "did not answer 'initialize' within 0.5 seconds" in str(end.error)


def test_asking_never_waits_for_a_worker_that_does_not_listen(start: Start) -> None:
    client = start("silence@start")
    began = time.monotonic()
    for _ in range(20):
        client.request("generate", {"job": "x" * 2**20})
    assert time.monotonic() - began < 5  # the pipe holds 64 KiB: a blocking write waits for ever
    with pytest.raises(queue.Empty):
        client.events.get_nowait()


def test_a_message_over_the_limit_is_refused_before_it_is_sent(start: Start) -> None:
    client = start()
    end = end_of(client, client.request("generate", {"job": "x" * (17 * 2**20)}))
    assert isinstance(end, ErrorResponse)
    assert end.error.kind == "job"
    assert isinstance(end_of(client, client.request("generate", {})), Answer)


def test_stop_ends_a_worker_that_ignores_it(start: Start) -> None:
    client = start("silence@start")
    client.stop(grace_s=0.2)
    client._process.wait(5)
    assert not _is_there(client.pid)


@pytest.mark.parametrize("damage", ["absent", "no program", "cut", "a folder"])
def test_a_program_that_cannot_be_started_is_one_clear_error(damage: str, tmp_path: Path) -> None:
    program = tmp_path / "python"
    if damage == "a folder":
        program.mkdir()
    elif damage != "absent":
        program.write_bytes(b"\x7fELF" if damage == "cut" else b"a text")
        program.chmod(0o755 if damage == "cut" else 0o644)
    launch = Launch(command=(str(program),), environment={})
    with pytest.raises(EngineError, match="cannot be started") as caught:
        EngineClient(launch, log_file=tmp_path / "engine.log")
    assert caught.value.kind == "environment"
