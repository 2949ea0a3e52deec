"""How many passes share a call, on a GPU of which only the memory is simulated."""

from __future__ import annotations

import math

import pytest
import torch

from engine.runtime.capacity import Capacity

MEBIBYTE = 2**20


class Gpu:
    """Counts the memory that calls would take; `need` bytes for each pass."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, free: int, need: int) -> None:
        self.free, self.need, self.room = free, need, math.inf
        self.held, self.peak = 100 * MEBIBYTE, 0
        self.calls: list[int] = []

        def reset(_: torch.device) -> None:
            self.peak = self.held

        monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: self.held)
        monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: self.held)
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (self.free, 2 * self.free))
        monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", reset)
        monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda _: self.peak)

    def call(self, passes: int) -> None:
        self.calls.append(passes)
        if passes * self.need > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        self.peak = max(self.peak, self.held + passes * self.need)


def test_the_free_memory_and_what_a_pass_was_seen_to_need_decide(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gpu = Gpu(monkeypatch, free=1000 * MEBIBYTE, need=100 * MEBIBYTE)
    capacity = Capacity(torch.device("cuda"))
    assert capacity.passes(64, 64, 20, gpu.call) == 8
    assert gpu.calls == [2]
    gpu.free //= 4
    assert capacity.passes(64, 64, 20, gpu.call) == 2
    gpu.free *= 100
    assert capacity.passes(64, 64, 20, gpu.call) == 20
    assert gpu.calls == [2], "measured once"
    capacity.passes(128, 64, 20, gpu.call)
    assert gpu.calls == [2, 2], "and once more for a larger size"
    capacity.passes(16, 16, 20, gpu.call)
    assert gpu.calls == [2, 2, 2], "and for a much smaller one"


def test_a_size_somewhat_smaller_needs_as_much_a_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = Gpu(monkeypatch, free=1000 * MEBIBYTE, need=100 * MEBIBYTE)
    capacity = Capacity(torch.device("cuda"))
    assert capacity.passes(64, 64, 40, gpu.call) == 8
    assert capacity.passes(32, 64, 40, gpu.call) == 16
    assert gpu.calls == [2]
    assert capacity.passes(32, 64, 40, gpu.call, beside=("a control",)) == 8
    assert gpu.calls == [2, 2], "with something beside it is another size"


def test_more_than_what_pays_never_shares_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = Gpu(monkeypatch, free=10**15, need=MEBIBYTE)
    assert Capacity(torch.device("cuda")).passes(64, 64, 1000, gpu.call) == 32
    assert Capacity(torch.device("cpu")).passes(16, 16, 1000, gpu.call) == 64
    assert Capacity(torch.device("cpu")).passes(400, 400, 1000, gpu.call) == 1
    assert Capacity(torch.device("cpu"), most_passes=5).passes(16, 16, 1000, gpu.call) == 5


def test_without_room_for_two_it_is_one_until_there_is_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gpu = Gpu(monkeypatch, free=50 * MEBIBYTE, need=100 * MEBIBYTE)
    capacity = Capacity(torch.device("cuda"))
    gpu.room = 150 * MEBIBYTE
    assert capacity.passes(64, 64, 6, gpu.call) == 1
    gpu.room = gpu.free = 10**12
    assert capacity.passes(64, 64, 6, gpu.call) == 6


def test_a_single_pass_needs_no_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = Gpu(monkeypatch, free=10**9, need=MEBIBYTE)
    assert Capacity(torch.device("cuda")).passes(64, 64, 1, gpu.call) == 1
    assert gpu.calls == []


def test_another_fault_of_the_measured_call_is_not_hidden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Gpu(monkeypatch, free=10**9, need=MEBIBYTE)

    def broken(_: int) -> None:
        raise RuntimeError("a fault of its own")

    with pytest.raises(RuntimeError, match="of its own"):
        Capacity(torch.device("cuda")).passes(64, 64, 6, broken)
