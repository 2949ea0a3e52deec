"""The names by which devices and precisions are asked for."""

from __future__ import annotations

AUTO = "auto"
DEVICES = (AUTO, "cpu", "cuda", "mps")
DTYPES = (AUTO, "float32", "bfloat16", "float16")
