"""Compilation of a denoiser's repeated blocks, for devices whose steps gain by it."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

CACHE_VARIABLE = "TORCHINDUCTOR_CACHE_DIR"
_KINDS_OF_A_BLOCK = 64  # blocks of one class differ in width; torch gives up after eight by default


def compile_repeated_blocks(model: Any) -> None:
    """Have a diffusers model's repeated blocks compiled when they are first called.

    What is compiled is kept beside torch's own cache, so that the next start finds it. A block
    that cannot be compiled, as without a C++ compiler, runs as it is.
    """
    import torch._dynamo
    import torch.hub
    from torch._inductor.runtime.cache_dir_utils import default_cache_dir

    # Torch has set the variable itself by now, to a folder of temporary files.
    if os.environ.get(CACHE_VARIABLE) in (None, default_cache_dir()):
        os.environ[CACHE_VARIABLE] = str(Path(torch.hub.get_dir()).with_name("inductor"))
    torch._dynamo.config.suppress_errors = True
    torch._dynamo.config.recompile_limit = _KINDS_OF_A_BLOCK
    # One program for all sizes: a job has regions of several, and the next job others.
    model.compile_repeated_blocks(dynamic=True)
    log.info("the repeated blocks of %s are compiled at their first call", type(model).__name__)
