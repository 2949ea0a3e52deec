"""Importing large libraries without looking for garbage among what they leave for good."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def for_good() -> Iterator[None]:
    """Import libraries in a process that keeps them to its end.

    Python looks for garbage after so many new objects. Of these there are half a million, none of
    them garbage, and looking is a fifth of the import's time. What is there at the end is never
    looked at again, where anything was imported: so this is no place to load a model in.
    """
    before, was_enabled = len(sys.modules), gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) != before:
            gc.freeze()
        if was_enabled:
            gc.enable()
