"""Headers of GGUF files: which tensors one holds, in which shapes; no tensor is read.

Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import BinaryIO

from .errors import ModelError

MAGIC = b"GGUF"

_VERSIONS = (2, 3)
_MAX_HEADER_BYTES = 2**25
_MAX_NAME_BYTES = 2**16
_MAX_DIMENSIONS = 8
_STRING, _ARRAY = 8, 9
_VALUE_BYTES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
# Numbers a block and bytes a block, of the kinds that diffusers reads.
_BLOCKS = {
    **{0: (1, 4), 1: (1, 2), 30: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24)},
    **{8: (32, 34), 10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210)},
}
_AGAIN = "download it again"


def read_gguf_shapes(file: BinaryIO, path: Path) -> Mapping[str, tuple[int, ...]]:
    """Return the shape of each tensor by its name, slowest axis first, from a file at its start.

    Raises: ModelError where it is cut off, or of a kind that is not read; ValueError or
    struct.error where its header is damaged.
    """
    size = file.seek(0, 2)
    file.seek(0)
    header = _Header(file)
    if header.take(4) != MAGIC or header.number("<I") not in _VERSIONS:
        raise ValueError("no GGUF of a version that is known")
    tensors, values = header.number("<Q"), header.number("<Q")
    alignment = 32
    for _ in range(values):
        name = header.text()
        value = header.value(header.number("<I"))
        if name == b"general.alignment" and isinstance(value, int) and value > 0:
            alignment = value
    shapes: dict[str, tuple[int, ...]] = {}
    end = 0
    for _ in range(tensors):
        name = header.text()
        dimensions = header.number("<I")
        if dimensions > _MAX_DIMENSIONS:
            raise ValueError(dimensions)
        shape = tuple(header.number("<Q") for _ in range(dimensions))[::-1]
        kind, offset = header.number("<I"), header.number("<Q")
        if kind not in _BLOCKS:
            message = f"{path} has weights in a form of GGUF that is not read (number {kind})"
            raise ModelError(message, "get it as Q8_0, Q6_K, Q5_K, Q4_K or another of those kinds")
        numbers, block = _BLOCKS[kind]
        end = max(end, offset + -(-prod(shape) // numbers) * block)
        shapes[name.decode()] = shape
    start = -(-header.taken // alignment) * alignment
    if end > size - start:
        raise ModelError(f"{path} is cut off: it has {size} bytes of {start + end}", _AGAIN)
    return shapes


class _Header:
    """What is read from a header, piece by piece, and never more than one can be."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.taken = 0

    def take(self, count: int) -> bytes:
        self.taken += count
        if self.taken > _MAX_HEADER_BYTES:
            raise ValueError("a header of more than that")
        found = self._file.read(count)
        if len(found) < count:
            raise ValueError("a header that ends too soon")
        return found

    def number(self, form: str) -> int:
        (found,) = struct.unpack(form, self.take(struct.calcsize(form)))
        return int(found)

    def text(self) -> bytes:
        length = self.number("<Q")
        if length > _MAX_NAME_BYTES:
            raise ValueError(length)
        return self.take(length)

    def value(self, kind: int) -> int | None:
        """Pass over a value; return it where it is a whole number of four bytes."""
        if kind == _STRING:
            self.take(self.number("<Q"))
        elif kind == _ARRAY:
            inner, count = self.number("<I"), self.number("<Q")
            if inner == _STRING:
                for _ in range(count):
                    self.take(self.number("<Q"))
            else:
                self.take(_VALUE_BYTES[inner] * count)
        else:
            found = self.take(_VALUE_BYTES[kind])
            return int.from_bytes(found, "little") if kind in (4, 5) else None
        return None
