"""How many of the kernels that a processor runs are kept for the next call."""

from __future__ import annotations

import os

KERNELS_VARIABLE = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
_KERNELS = "16384"


def keep_kernels() -> None:
    """Have kernels of many shapes kept; call it before torch is imported.

    oneDNN makes a kernel for each operation and shape, and keeps 1024 unless told otherwise: those
    of three shapes of Stable Diffusion's UNet. Where windows have more shapes all of them would be
    made anew in every step. What the environment says already stays.
    """
    os.environ.setdefault(KERNELS_VARIABLE, _KERNELS)
