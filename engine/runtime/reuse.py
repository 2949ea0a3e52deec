"""Attention taken over from the step before: an approximation, for jobs that ask for it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from diffusers.hooks import HookRegistry
from diffusers.hooks.pyramid_attention_broadcast import (
    PyramidAttentionBroadcastHook,
    PyramidAttentionBroadcastState,
)
from diffusers.models.attention_processor import Attention

_HOOK = "mixdiff_reuse"
_EVERY = 2  # computed at every second step, taken over at the others
_TIMESTEPS = (100, 800)  # where attention changes little from step to step


class _Hook(PyramidAttentionBroadcastHook):  # type: ignore[misc]
    """Lets its layer compute as ever but where it is given what to remember."""

    def __init__(self) -> None:
        super().__init__(_TIMESTEPS, _EVERY, current_timestep_callback=None)

    def initialize_hook(self, module: torch.nn.Module) -> torch.nn.Module:
        self.state: PyramidAttentionBroadcastState | None = None
        return module

    def new_forward(self, module: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
        if self.state is None:
            return self.fn_ref.original_forward(*args, **kwargs)
        return super().new_forward(module, *args, **kwargs)


def _hook_of(layer: Attention) -> _Hook:
    registry = HookRegistry.check_if_exists_or_initialize(layer)
    hook: _Hook | None = registry.get_hook(_HOOK)
    if hook is None:
        hook = _Hook()
        registry.register_hook(hook, _HOOK)
        # Counting steps is not for a compiler, which would make a program of each count.
        layer.forward = torch.compiler.disable(layer.forward)  # type: ignore[no-untyped-call]
    return hook


class AttentionReuse:
    """Pyramid attention broadcast (arXiv 2408.12588) on the layers of a diffusers UNet.

    diffusers' hooks remember one call of the model. A mixture makes several a step, of the same
    passes at each step: what the layers gave is kept for each of them, as long as this lives.
    """

    def __init__(self, unet: Any) -> None:
        self._hooks = [_hook_of(layer) for layer in unet.modules() if isinstance(layer, Attention)]
        self._states: dict[Hashable, list[PyramidAttentionBroadcastState]] = {}
        self.timestep = 0.0

    @contextmanager
    def during(self, call: Hashable) -> Iterator[None]:
        """Have the layers reuse, and remember, what they give in a call at the present timestep."""
        states = self._states.setdefault(
            call, [PyramidAttentionBroadcastState() for _ in self._hooks]
        )
        for hook, state in zip(self._hooks, states, strict=True):
            hook.state, hook.current_timestep_callback = state, lambda: self.timestep
        try:
            yield
        finally:
            for hook in self._hooks:
                hook.state = hook.current_timestep_callback = None
