"""Headers of files of weights: which tensors one holds, in which shapes; no tensor is read.

Source: https://github.com/huggingface/safetensors, the format of the header.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .errors import ModelError
from .gguf import MAGIC, read_gguf_shapes

WEIGHTS = ".safetensors"
PICKLES = (".ckpt", ".pt", ".pth", ".bin", ".pkl")
GGUF = ".gguf"

Shapes = Mapping[str, tuple[int, ...]]
SCALES = (".scale_weight", ".weight_scale")
"""What a weight in 8-bit floats is times: ComfyUI's name for it, and others'."""
QUANTIZED = "GGUF"
"""The kind of numbers in GGUF files, whichever it is."""


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor as its file has it: its shape, and the kind of its numbers."""

    shape: tuple[int, ...]
    kind: str

    @property
    def numbers(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)


_MAX_HEADER_BYTES = 2**25  # a hundred times what the largest models have
_LENGTH_BYTES = 8
_AGAIN = "download it again"
_PICKLE = (
    "is a pickle, which can run code when it is loaded and is never opened",
    f"get the same model as {WEIGHTS}, or convert it",
)
# What people take for weights, by how it begins.
_OTHERS = (
    (b"PK\x03\x04", *_PICKLE),
    (b"\x80", *_PICKLE),
    (
        b"version https://git-lfs",
        "is no more than Git's pointer to the weights",
        "fetch them with `git lfs pull`",
    ),
    (b"<", "is a web page, not the file that was meant", f"{_AGAIN}, logged in where it asks"),
    (b"{", "is a text, not weights", _AGAIN),
)


def require_weights_name(path: Path, *suffixes: str) -> None:
    """See that a file is called as weights that can be read are; it is not opened.

    Raises: ModelError.
    """
    suffix, known = path.suffix.lower(), suffixes or (WEIGHTS, GGUF)
    if suffix in known:
        return
    if suffix in PICKLES:
        what, remedy = _PICKLE
    else:
        what, remedy = f"is no {' or '.join(known)} file", "give a model's weights, or a folder"
    raise ModelError(f"{path.name} {what}", remedy)


def is_gguf(path: Path) -> bool:
    """Return whether a file begins as one of GGUF, whatever it is called.

    Raises: OSError.
    """
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def read_shapes(path: Path) -> Shapes:
    """Return the shape of each tensor of a safetensors or GGUF file by its name.

    Raises: ModelError where it is no such file, or not a whole one.
    """
    return {name: tensor.shape for name, tensor in read_tensors(path).items()}


def read_tensors(path: Path) -> Mapping[str, StoredTensor]:
    """Return the tensors of a safetensors file by their names.

    Raises: ModelError where it is no such file, or not a whole one.
    """
    try:
        if not path.is_file():  # also what would never end, such as a pipe
            raise ModelError(f"{path} is no file", f"give a {WEIGHTS} file")
        with path.open("rb") as file:
            if file.read(len(MAGIC)) == MAGIC:
                return {
                    name: StoredTensor(shape, QUANTIZED)
                    for name, shape in read_gguf_shapes(file, path).items()
                }
            return _tensors(file, path)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror or error}"
        raise ModelError(message, "allow reading it, or give another") from error
    except (ValueError, TypeError, KeyError, RecursionError, struct.error) as error:
        raise ModelError(f"{path} is damaged: its header cannot be read", _AGAIN) from error


def read_metadata(path: Path) -> Mapping[str, str]:
    """Return what a safetensors file says of itself beside its tensors; nothing where it cannot."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(_LENGTH_BYTES))
            told = json.loads(file.read(min(length, _MAX_HEADER_BYTES))).get("__metadata__")
    except (OSError, ValueError, AttributeError, RecursionError, struct.error):
        return {}
    entries = told.items() if isinstance(told, dict) else ()
    return {key: value for key, value in entries if isinstance(value, str)}


def _tensors(file: BinaryIO, path: Path) -> Mapping[str, StoredTensor]:
    size = file.seek(0, 2)
    file.seek(0)
    start = file.read(64)
    (length,) = struct.unpack("<Q", start[:_LENGTH_BYTES].ljust(_LENGTH_BYTES, b"\0"))
    if length > min(size - _LENGTH_BYTES, _MAX_HEADER_BYTES):
        for sign, what, remedy in _OTHERS:
            if start.lstrip().startswith(sign):
                raise ModelError(f"{path} {what}", remedy)
    if not 0 < length <= size - _LENGTH_BYTES:
        raise ModelError(f"{path} is damaged, or cut off in its header", _AGAIN)
    if length > _MAX_HEADER_BYTES:
        raise ValueError(length)
    file.seek(_LENGTH_BYTES)
    header = json.loads(file.read(length))
    if not isinstance(header, dict):
        raise TypeError(header)
    header.pop("__metadata__", None)
    room, tensors = size - _LENGTH_BYTES - length, {}
    for name, tensor in header.items():
        shape, (begin, end) = tuple(tensor["shape"]), tensor["data_offsets"]
        if any(type(number) is not int or number < 0 for number in (*shape, begin, end)):
            raise ValueError(name)
        tensors[name] = StoredTensor(shape, str(tensor.get("dtype")))
        if end > room:
            whole = size - room + max(entry["data_offsets"][1] for entry in header.values())
            raise ModelError(f"{path} is cut off: it has {size} bytes of {whole}", _AGAIN)
    return tensors
