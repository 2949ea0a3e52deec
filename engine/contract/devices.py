"""The names by which devices and precisions are asked for."""

from __future__ import annotations

AUTO = "auto"
DEVICES = (AUTO, "cpu", "cuda", "mps")
FLOAT8 = "float8"
"""Asked for as a precision: a network's numbers kept in 8 bits, and reckoned with in 16."""
DTYPES = (AUTO, "float32", "bfloat16", "float16", FLOAT8)
