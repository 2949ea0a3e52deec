"""The device that runs a job, and the precision that suits it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from engine.contract.devices import AUTO, DEVICES, DTYPES
from engine.contract.errors import EngineError
from engine.contract.kinds import nearest


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
    chosen = _fitting_dtype(torch_device) if dtype == AUTO else getattr(torch, dtype)
    return Device(torch_device=torch_device, dtype=chosen)


def memory_of(device: torch.device) -> dict[str, Any]:
    """Return total and free memory in bytes, where the device tells."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return {"free_bytes": free, "total_bytes": total}
    import psutil

    memory = psutil.virtual_memory()
    return {"free_bytes": memory.available, "total_bytes": memory.total}
