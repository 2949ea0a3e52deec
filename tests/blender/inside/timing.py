"""How long something holds the main thread."""

import time
from collections.abc import Callable
from typing import Any


def median_ms(action: Callable[[], Any], times: int = 20) -> float:
    """Return how long an action holds the thread, in the middle of several times."""
    took = []
    for _ in range(times):
        start_s = time.thread_time()
        action()
        took.append((time.thread_time() - start_s) * 1000)
    return sorted(took)[times // 2]
