"""Who covers each pixel by rank, as Cryptomatte has it: read by Blender, Nuke and others by name.

Source: Psyop, Cryptomatte Specification 1.2.0.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import mmh3
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

MOST_RANKS = 6
_CHANNELS = "RGBA"


def number_of(name: str) -> int:
    """Return a name's number, whose bits are those of an ordinary float."""
    number: int = mmh3.hash(name.encode(), 0, signed=False)
    exponent = number >> 23 & 255
    return number ^ 1 << 23 if exponent in (0, 255) else number


def ranks(shares: Mapping[str, Floats], layer: str) -> dict[str, Floats]:
    """Return the channels of a layer: the numbers and shares of who covers most, then of the next.

    Shapes: (H, W) each.
    """
    names = list(shares)
    ids = np.array([number_of(name) for name in names], dtype=np.uint32).view(np.float32)
    all_shares = np.stack([shares[name] for name in names])  # (R, H, W)
    count = min(len(names), MOST_RANKS)
    order = np.argsort(-all_shares, axis=0, kind="stable")[:count]
    covered = np.take_along_axis(all_shares, order, axis=0)
    found = np.where(covered > 0, ids[order], np.float32(0))
    nothing = np.zeros(all_shares.shape[1:], np.float32)
    channels = {}
    for rank in range(2 * -(-count // 2)):
        level, place = divmod(rank, 2)
        is_there = rank < count
        for channel, value in zip(
            _CHANNELS[2 * place : 2 * place + 2],
            (found[rank], covered[rank]) if is_there else (nothing, nothing),
            strict=True,
        ):
            channels[f"{layer}{level:02}.{channel}"] = np.ascontiguousarray(value, np.float32)
    return channels


def header(names: list[str], layer: str) -> dict[str, str]:
    """Return what a file's header says of a layer, so that its numbers are found by name."""
    key = f"cryptomatte/{number_of(layer):08x}"[: len("cryptomatte/") + 7]
    manifest = {name: f"{number_of(name):08x}" for name in names}
    return {
        f"{key}/name": layer,
        f"{key}/hash": "MurmurHash3_32",
        f"{key}/conversion": "uint32_to_float32",
        f"{key}/manifest": json.dumps(manifest, ensure_ascii=False),
    }
