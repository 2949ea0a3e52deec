"""The door to the engine's contract, and the only place that knows where the engine lies.

In the built extension `engine/` is inside this package; in the checkout it is beside it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

_HERE = Path(__file__).parent
_IS_INSIDE = (_HERE / "engine").is_dir()

ENGINE_PARENT = _HERE if _IS_INSIDE else _HERE.parent
"""The folder that holds `engine/`."""

if TYPE_CHECKING or not _IS_INSIDE:
    from engine.contract import documents, errors, job, kinds, protocol, validate
else:
    from .engine.contract import documents, errors, job, kinds, protocol, validate

__all__ = ["ENGINE_PARENT", "documents", "errors", "job", "kinds", "protocol", "validate"]
