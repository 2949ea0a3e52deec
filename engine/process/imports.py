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
    them garbage, and looking is a fifth of the import's time. What is there at the end is not
    looked at again before `collect_all`, where anything was imported.
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


def collect_all() -> None:
    """Take all garbage away, also what became garbage after it was set aside as there for good."""
    gc.unfreeze()
    gc.collect()
