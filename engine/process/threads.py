"""How the threads of one operation wait for each other where others use the processor too."""

from __future__ import annotations

import os

_SPINS = "100000"  # a millisecond or so
SPINS_VARIABLE = "GOMP_SPINCOUNT"
POLICY_VARIABLE = "OMP_WAIT_POLICY"


def wait_briefly() -> None:
    """Have threads that wait give the processor up soon; call it before torch is imported.

    The OpenMP that torch brings on Linux (GNU's) keeps a thread that waits busy for several
    milliseconds, which it takes from the very thread that it waits for where there are no cores to
    spare, as beside a render. What the environment says already stays.
    """
    if POLICY_VARIABLE not in os.environ:
        os.environ.setdefault(SPINS_VARIABLE, _SPINS)
