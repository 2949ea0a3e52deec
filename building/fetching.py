"""What is about to be fetched, said before it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from building.programs import say


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """Something to be fetched, and its megabytes where they are known."""

    what: str
    mb: int | None


def announce(downloads: Sequence[Download]) -> None:
    """Say what is about to be fetched, each with its size, and all of it together."""
    if not downloads:
        return
    listed = ", ".join(f"{one.what} ({_size(one.mb)})" for one in downloads)
    known = [one.mb for one in downloads if one.mb is not None]
    total = f"; {_size(sum(known))} in all" if len(known) > 1 else ""
    say(f"to fetch, at most: {listed}{total}")


def _size(mb: int | None) -> str:
    if mb is None:
        return "of unknown size"
    return f"{mb / 1000:.1f} GB" if mb >= 1000 else f"{mb} MB"
