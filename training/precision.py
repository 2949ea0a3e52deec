"""The precision that forward passes run in: what this machine multiplies fastest."""

from __future__ import annotations

import torch

from engine.runtime.devices import takes_bfloat16


def autocast(device_type: str) -> torch.autocast:
    """Give the context in which forward passes run."""
    return torch.autocast(device_type, torch.bfloat16, enabled=takes_bfloat16(device_type))
