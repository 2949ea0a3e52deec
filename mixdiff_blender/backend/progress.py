"""How far a job is, as the engine reports it, and what one will take."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from .client import EngineNotification


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a job is; `steps` is 0 until the first step, `rows` until the first is decoded."""

    phase: str = "loading"
    step: int = 0
    steps: int = 0
    row: int = 0
    rows: int = 0
    remaining_s: float | None = None
    preview: str = field(default="", repr=False)
    """The last preview, a PNG in base64."""

    @property
    def share(self) -> float:
        """How much of the steps is done, or of the rows once the picture is decoded."""
        if self.row:
            return self.row / self.rows
        return self.step / self.steps if self.steps else 0.0

    def after(self, notification: EngineNotification) -> Progress:
        """Return how far the job is after the engine has reported something; else the same."""
        match notification.method, notification.params:
            case "phase", {"phase": str(phase)}:
                # After running out of memory a job is tried again, and decodes from its first row.
                return replace(self, phase=phase, remaining_s=None, row=0, rows=0)
            case "progress", {"step": int(step), "steps": int(steps), **rest}:
                left = rest.get("remaining_s")
                remaining = float(left) if isinstance(left, int | float) else None
                return replace(self, step=step, steps=steps, remaining_s=remaining)
            case "rows", {"row": int(row), "rows": int(rows)}:
                return replace(self, row=row, rows=rows)
            case "preview", {"image": str(image)}:
                return replace(self, preview=image)
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a job will take, as far as earlier ones tell."""

    seconds: float
    taken_bytes: int
    """Of the device's memory; 0 where that is not known."""
