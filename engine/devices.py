"""The device that runs a job, and the precision that suits it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from engine.contract.errors import EngineError

DEVICE_NAMES = ("auto", "cpu", "cuda", "mps")
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
DTYPE_NAMES = ("auto", *DTYPES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Where a job runs and in which precision its denoiser works."""

    torch_device: torch.device
    dtype: torch.dtype

    @property
    def name(self) -> str:
        """The device as its maker calls it."""
        if self.torch_device.type == "cuda":
            return torch.cuda.get_device_name(self.torch_device)
        return {"cpu": "CPU", "mps": "Apple GPU"}[self.torch_device.type]

    def to_document(self) -> dict[str, str]:
        """Return the device as plain values."""
        dtype = str(self.dtype).removeprefix("torch.")
        return {"device": self.torch_device.type, "device_name": self.name, "dtype": dtype}


def _available(name: str) -> bool:
    match name:
        case "cuda":
            return torch.cuda.is_available()
        case "mps":
            return torch.backends.mps.is_available()
        case _:
            return name == "cpu"


def _fitting_dtype(device: torch.device) -> torch.dtype:
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return torch.float32


def choose_device(device: str = "auto", dtype: str = "auto") -> Device:
    """Return the wanted device, or for `auto` the fastest there is.

    Raises: EngineError of kind `device` where the wanted one is not there.
    """
    if device not in DEVICE_NAMES:
        message, advice = (
            f"device {device!r} is not known",
            f"use one of: {', '.join(DEVICE_NAMES)}",
        )
        raise EngineError(message, kind="device", advice=advice)
    if dtype not in DTYPE_NAMES:
        message, advice = f"dtype {dtype!r} is not known", f"use one of: {', '.join(DTYPE_NAMES)}"
        raise EngineError(message, kind="device", advice=advice)
    if device == "auto":
        device = next(name for name in ("cuda", "mps", "cpu") if _available(name))
    elif not _available(device):
        raise EngineError(
            f"device {device!r} is not available to torch {torch.__version__}",
            kind="device",
            advice="use auto or cpu, or install the torch build for that device",
        )
    torch_device = torch.device(device)
    chosen = _fitting_dtype(torch_device) if dtype == "auto" else DTYPES[dtype]
    return Device(torch_device=torch_device, dtype=chosen)


def memory_of(device: torch.device) -> dict[str, Any]:
    """Return total and free memory in bytes, where the device tells."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return {"free_bytes": free, "total_bytes": total}
    import psutil

    memory = psutil.virtual_memory()
    return {"free_bytes": memory.available, "total_bytes": memory.total}
