"""The precision that suits a CPU, and what counts as too little memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from engine.runtime import devices
from engine.runtime.devices import choose_device, is_oom, takes_bfloat16
from training import precision


@pytest.fixture
def unmeasured() -> Iterator[None]:
    takes_bfloat16.cache_clear()
    yield
    takes_bfloat16.cache_clear()


class Processor:
    """A CPU with the given gain of bfloat16 over float32 in products of each size."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **gains: float) -> None:
        self.asked: list[tuple[torch.dtype, int]] = []
        by_size = {64: gains["small"], 512: gains["large"]}

        def product_s(factor: torch.Tensor) -> float:
            self.asked.append((factor.dtype, len(factor)))
            busy = 10.0 if len(self.asked) % 7 else 1.0  # others take most of the time
            return busy * (1.0 if factor.dtype == torch.float32 else 1.0 / by_size[len(factor)])

        monkeypatch.setattr(devices, "_product_s", product_s)


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize(
    ("small", "large", "expected"),
    [
        (0.5, 4.0, torch.bfloat16),  # the instructions are there: small products hide it
        (2.0, 1.1, torch.float32),  # a gain too small to be worth the precision
        (1.0, 0.2, torch.float32),
    ],
)
def test_a_cpu_takes_bfloat16_where_large_products_gain_by_it(
    small: float, large: float, expected: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    Processor(monkeypatch, small=small, large=large)
    assert choose_device("cpu").dtype == expected
    assert choose_device("cpu", "float32").dtype == torch.float32
    assert precision.autocast("cpu")._enabled == (expected == torch.bfloat16)


@pytest.mark.usefixtures("unmeasured")
def test_a_cpu_that_emulates_bfloat16_is_known_by_a_small_product_and_asked_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    processor = Processor(monkeypatch, small=0.01, large=0.003)
    assert choose_device("cpu").dtype == torch.float32
    assert {size for _, size in processor.asked} == {64}
    before = len(processor.asked)
    choose_device("cpu")
    assert len(processor.asked) == before


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (MemoryError(), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("MPS backend out of memory"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_a_shortage_is_told_from_other_faults(error: Exception, expected: bool) -> None:
    assert is_oom(error) == expected
