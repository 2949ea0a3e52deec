"""What uv and pip say when they fail, as what a person can do about it."""

from __future__ import annotations

import re

from ...contract import EngineError
from ..logs import redacted

_SHOWN_LINES = 6

_HASH = re.compile(r"(?i)hash(es)? mismatch|do not match|hash-checking|no hash|bad crc")
_SPACE = re.compile(r"(?i)no space left|os error 28\b|disk full|os error 112\b|quota exceeded")
_RIGHTS = re.compile(r"(?i)permission denied|read-only file system|access is denied|os error 13\b")
_NETWORK = re.compile(
    r"(?i)error sending request|failed to (fetch|download|lookup)|dns error|connect|timed? ?out"
    r"|network|certificate|unreachable|end of file|unexpected eof|error decoding|broken pipe"
    r"|50\d |incomplete|reset by peer|retries"
)
_OFFLINE = re.compile(r"(?i)network (connectivity is|was) disabled|offline")


def space_fault(free: int, needed: int, folder: object) -> EngineError:
    """Return the error of a disk that is too full, with numbers."""
    return EngineError(
        f"there is not enough room for the engine: it needs {gigabytes(needed)}, and "
        f"{gigabytes(free)} are free in {folder}",
        kind="disk",
        advice="make room there, then install again",
    )


def gigabytes(count: int) -> str:
    """Return a size as a person says it."""
    return f"{count / 10**9:.1f} GB" if count >= 10**8 else f"{count / 10**6:.1f} MB"


def explained(what: str, output: str) -> EngineError:
    """Return what a failed program said, as an error with advice."""
    lines = [line for line in redacted(output).splitlines() if line.strip()]
    shown = "\n".join(lines[-_SHOWN_LINES:])
    kind = "environment"
    if _SPACE.search(output):
        kind, why, advice = "disk", "the disk is full", "make room, then install again"
    elif _HASH.search(output):
        why = "a package is not the one that was published (its hash differs)"
        advice = "install again; if it happens again, the mirror or the network alters downloads"
    elif _RIGHTS.search(output):
        kind, why = "disk", "a file cannot be written"
        advice = "allow writing there, then install again"
    elif _OFFLINE.search(output):
        kind = "network"
        why = "the packages are not on this computer, and Blender is to stay offline"
        advice = "allow online access (Preferences > System > Network), then install again"
    elif _NETWORK.search(output):
        kind, why = "network", "the network broke off"
        advice = "install again: what has arrived is kept"
    else:
        why, advice = "it failed", "install again; copy the report if it stays so"
    return EngineError(f"{what}: {why}", kind=kind, advice=f"{advice}\n{shown}")
