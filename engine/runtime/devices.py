"""The device that runs a job, and the precision that suits it."""

from __future__ import annotations

import functools
import sys
import time
from dataclasses import dataclass
from typing import Any

import torch

from engine.contract.devices import AUTO, DEVICES, DTYPES, FLOAT8
from engine.contract.errors import EngineError
from engine.contract.kinds import nearest
from engine.contract.memory import Machine

_SMALL, _LARGE = 64, 512  # rows and columns of the products that the CPU is measured by
_PRODUCTS = 12  # of each precision in turn: what else runs must not decide
_LEAST_GAIN = 1.2
_EMULATED = 5
_OOM_WORDS = ("can't allocate memory", "not enough memory", "out of memory", "failed to allocate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Where a job runs, and in which precision its denoiser works."""

    torch_device: torch.device
    dtype: torch.dtype
    is_small: bool = False
    """Whether networks are to be kept in floats of 8 bits, whatever the memory has room for."""

    @property
    def name(self) -> str:
        """The device as its maker calls it."""
        if self.torch_device.type == "cuda":
            return torch.cuda.get_device_name(self.torch_device)
        return {"cpu": "CPU", "mps": "Apple GPU"}[self.torch_device.type]

    def to_document(self) -> dict[str, str]:
        """Return the device as plain values."""
        dtype = FLOAT8 if self.is_small else str(self.dtype).removeprefix("torch.")
        return {"device": self.torch_device.type, "device_name": self.name, "dtype": dtype}


def _available(name: str) -> bool:
    match name:
        case "cuda":
            return torch.cuda.is_available()
        case "mps":
            return torch.backends.mps.is_available()
        case _:
            return name == "cpu"


def _product_s(factor: torch.Tensor) -> float:
    began = time.perf_counter()
    factor @ factor
    return time.perf_counter() - began


def _gain(size: int) -> float:
    """Return how many times faster a product is in bfloat16 than in float32, each at its best."""
    exact = torch.ones(size, size)
    coarse = exact.bfloat16()
    laps = [(_product_s(exact), _product_s(coarse)) for _ in range(_PRODUCTS)]
    return min(exact_s for exact_s, _ in laps) / min(coarse_s for _, coarse_s in laps)


@functools.cache
def takes_bfloat16(device_type: str) -> bool:
    """Return whether bfloat16 pays: on a GPU that has it, on a CPU where products show it.

    A CPU without instructions for bfloat16 emulates it, hundreds of times slower than float32: a
    small product shows that at once, where a large one would take long. Once a process.
    """
    match device_type:
        case "cuda":
            has: bool = torch.cuda.is_bf16_supported(including_emulation=False)
            return has
        case "cpu":
            return _gain(_SMALL) >= 1 / _EMULATED and _gain(_LARGE) > _LEAST_GAIN
        case _:
            return False


def _fitting_dtype(device: torch.device) -> torch.dtype:
    if takes_bfloat16(device.type):
        return torch.bfloat16
    return torch.float16 if device.type == "cuda" else torch.float32


def device_count(device: Device) -> int:
    """Return how many devices of a device's kind this machine has."""
    return torch.cuda.device_count() if device.torch_device.type == "cuda" else 1


def choose_device(device: str = AUTO, dtype: str = AUTO) -> Device:
    """Return the wanted device, or for `auto` the fastest there is.

    Raises: EngineError of kind `device` where the wanted one is not there.
    """
    for name, value, known in (("device", device, DEVICES), ("dtype", dtype, DTYPES)):
        if value not in known:
            message = f"{name} {value!r} is not known"
            raise EngineError(message, kind="device", advice=nearest(value, known))
    if device == AUTO:
        device = next(name for name in ("cuda", "mps", "cpu") if _available(name))
    elif not _available(device):
        raise EngineError(
            f"device {device!r} is not available to torch {torch.__version__}",
            kind="device",
            advice="use auto or cpu, or install the torch build for that device",
        )
    torch_device = torch.device(device)
    if dtype == FLOAT8 and device == "mps":
        message = f"Apple's GPUs have no {FLOAT8}"
        raise EngineError(message, kind="device", advice=f"use {AUTO}, or the device cpu")
    is_own = dtype in (AUTO, FLOAT8)
    chosen = _fitting_dtype(torch_device) if is_own else getattr(torch, dtype)
    return Device(torch_device=torch_device, dtype=chosen, is_small=dtype == FLOAT8)


def machine_of(device: Device) -> Machine:
    """Return a device and the computer around it, without what this process holds of a card."""
    import psutil

    host, own = psutil.virtual_memory(), memory_of(device.torch_device)
    free = own["free_bytes"]
    if device.torch_device.type == "cuda":
        free += torch.cuda.memory_reserved(device.torch_device)
    return Machine(
        kind=device.torch_device.type,
        name=device.name,
        dtype=str(device.dtype).removeprefix("torch."),
        free_bytes=free,
        total_bytes=own["total_bytes"],
        host_free_bytes=host.available,
        host_total_bytes=host.total,
    )


def memory_of(device: torch.device) -> dict[str, Any]:
    """Return total and free memory in bytes, where the device tells."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return {"free_bytes": free, "total_bytes": total}
    import psutil

    memory = psutil.virtual_memory()
    return {"free_bytes": memory.available, "total_bytes": memory.total}


def free_bytes(device: torch.device) -> int:
    """Return the memory that this process may still take, what it keeps for later included."""
    free: int = memory_of(device)["free_bytes"]
    if device.type == "cuda":
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return free + kept
    return free


def taken_bytes(device: torch.device) -> int:
    """Return the most memory that this process has taken of a device, 0 where none tells."""
    if device.type == "cuda":
        return torch.cuda.memory_reserved(device)
    try:
        import resource
    except ImportError:  # Windows
        import psutil

        return int(psutil.Process().memory_info()._asdict().get("peak_wset", 0))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def is_oom(error: BaseException) -> bool:
    """Return whether an error means that the memory was too small."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(word in text for word in _OOM_WORDS)


def give_memory_back(device: torch.device) -> None:
    """Return to the device what this process keeps of its memory for later."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
