"""The denoiser's calls: which ones the engine makes, how many operations they need, themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """The arguments of one call of a module."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]

    @property
    def batch(self) -> int:
        """How many pictures the call looks at."""
        pictures: Tensor = self.args[0] if self.args else self.kwargs["sample"]
        return pictures.shape[0]


def recorded(module: nn.Module, work: Callable[[], object]) -> list[Call]:
    """Return the calls of a module that some work makes."""
    calls: list[Call] = []

    def note(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        calls.append(Call(args=args, kwargs=dict(kwargs)))

    hook = module.register_forward_pre_hook(note, with_kwargs=True)
    try:
        work()
    finally:
        hook.remove()
    return calls


def replayed(module: nn.Module, calls: Sequence[Call], steps: int) -> Iterator[str]:
    """Make the calls of one step again and again, and nothing else."""
    for _ in range(steps):
        with torch.inference_mode():
            for call in calls:
                module(*call.args, **call.kwargs)
        yield "step"


def operations(module: Any, calls: Sequence[Call]) -> int:
    """Return how many operations calls need: two for each multiplication with its addition.

    Counted by torch on a twin without weights, so that it takes no time.
    """
    with torch.device("meta"):
        twin = type(module).from_config(module.config).eval()

    def unreal(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        floating = value.is_floating_point()
        return torch.empty(
            value.shape, device="meta", dtype=torch.float32 if floating else value.dtype
        )

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        for call in calls:
            twin(*tree_map(unreal, call.args), **tree_map(unreal, dict(call.kwargs)))
    return int(counter.get_total_flops())
