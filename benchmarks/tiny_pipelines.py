"""Whole pipelines of the kinds in `real_pipelines`, as small as they can be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch

from benchmarks.performance.shapes import TINY_XL, pipeline_of
from benchmarks.real_pipelines import klein, z_image

_PARTS: dict[str, Any] = {
    "encoder": {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 28,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "vocab_size": 300,
    },
    "vae": {"block_out_channels": (8,) * 4, "layers_per_block": 1, "norm_num_groups": 4},
}
_KLEIN = {
    "num_layers": 1,
    "num_single_layers": 1,
    "attention_head_dim": 16,
    "num_attention_heads": 2,
    "joint_attention_dim": 48,
    "axes_dims_rope": (4, 4, 4, 4),
}
_Z_IMAGE = {
    "dim": 32,
    "n_layers": 2,
    "n_refiner_layers": 1,
    "n_heads": 2,
    "n_kv_heads": 2,
    "cap_feat_dim": 16,
    "axes_dims": [8, 4, 4],
    "axes_lens": [1024, 64, 64],
}


def _sdxl(dtype: torch.dtype) -> Any:
    return pipeline_of(TINY_XL, device=torch.device("cpu"), dtype=dtype)


TINY_PIPELINES: Mapping[str, Callable[[torch.dtype], Any]] = {
    "SDXL": _sdxl,
    "FLUX.2 klein 4B": partial(klein, network=_KLEIN, **_PARTS),
    "Z-Image Turbo": partial(z_image, network=_Z_IMAGE, **_PARTS),
}
"""By the names of `real_pipelines.REAL`."""
