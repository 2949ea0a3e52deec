"""Random changes of right input, for as long as there is time."""

from __future__ import annotations

import copy
import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import strategies as st

_AT_ONCE = 30
_MOST_CPU_S = 5.0

Draw = st.DataObject

ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(None, True, False, 0, -1, 1, 8, 64, 2**31, 2**63, 2**64, 10**30, -(10**30)),
        *(0.5, -0.0, 1e308, math.nan, math.inf, -math.inf, "", " ", "0", "8", "text2image"),
        *("\0", "\ud800", "../x", "/", "~", "a/b", "\\\\x\\y", "x" * 5000, "a/" * 3000, "..", "."),
        *([], {}, [[]], [None], {"type": "text2image"}, [0] * 300, "bundled", "con", "c:\\x"),
    ]
)
ANY: st.SearchStrategy[Any] = st.recursive(
    ODD | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=5,
)


def fuzz(one: Callable[[Draw], None], seconds: float) -> None:
    """Try one example after another; each must be quick."""

    @hypothesis.settings(max_examples=_AT_ONCE, database=None)
    @hypothesis.given(st.data())
    def several(data: Draw) -> None:
        began = time.process_time()
        one(data)
        taken = time.process_time() - began
        assert taken < _MOST_CPU_S, f"it took {taken:.1f} s"

    end = time.monotonic() + seconds
    several()
    while time.monotonic() < end:
        several()


def mutated(draw: Draw, document: Any) -> Any:
    """Return a copy of a document with a few values replaced, left out, doubled or renamed."""
    root = [copy.deepcopy(document)]
    for _ in range(draw.draw(st.integers(0, 4))):
        holder, key = draw.draw(st.sampled_from(list(_places(root))))
        match draw.draw(st.sampled_from(["odd", "any", "gone", "deep", "twice", "renamed"])):
            case "odd":
                holder[key] = copy.deepcopy(draw.draw(ODD))
            case "any":
                holder[key] = copy.deepcopy(draw.draw(ANY))
            case "gone" if holder is not root:
                del holder[key]
            case "deep":
                for _ in range(draw.draw(st.integers(1, 60))):
                    holder[key] = [holder[key]]
            case "twice" if isinstance(holder, list) and holder is not root:
                holder.append(copy.deepcopy(holder[key]))
            case "renamed" if isinstance(holder, dict):
                holder[draw.draw(st.text(max_size=20))] = holder.pop(key)
    return root[0]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = value if isinstance(value, dict) else range(len(value))
    for key in list(keys):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


def garbled(draw: Draw, content: bytes) -> bytes:
    """Return bytes with a few changed, cut out, put in, or cut off."""
    found = bytearray(content)
    for _ in range(draw.draw(st.integers(0, 6))):
        at = draw.draw(st.integers(0, len(found)))
        match draw.draw(st.sampled_from(["change", "insert", "remove", "cut", "repeat"])):
            case "change" if at < len(found):
                found[at] = draw.draw(st.integers(0, 255))
            case "insert":
                found[at:at] = draw.draw(st.binary(max_size=9) | st.just(b"\xff" * 8))
            case "remove":
                del found[at : at + draw.draw(st.integers(1, 9))]
            case "cut":
                del found[at:]
            case "repeat":
                found += found[at : at + 200]
    return bytes(found)


def as_json(document: Any) -> bytes:
    return json.dumps(document).encode()


_watching: list[list[str]] = []


def _note_opened(event: str, arguments: tuple[Any, ...]) -> None:
    if _watching and event == "open" and isinstance(arguments[0], str | bytes):
        _watching[-1].append(str(Path(str(arguments[0])).absolute()))


sys.addaudithook(_note_opened)


@contextmanager
def nothing_opened_outside(folder: Path) -> Iterator[None]:
    """See that no file outside a folder is opened meanwhile, for reading or for writing."""
    opened: list[str] = []
    _watching.append(opened)
    try:
        yield
    finally:
        _watching.pop()
    read = [Path(name).resolve() for name in opened if not name.endswith((".py", ".pyc"))]
    outside = [path for path in read if not path.is_relative_to(folder.resolve())]
    assert not outside, outside
