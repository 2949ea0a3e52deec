"""The parts of a model where its plan of memory has them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from engine.contract.footprints import KINDS, Footprint, Part
from engine.contract.memory import MemoryPlan, Way
from engine.runtime.devices import give_memory_back, is_oom

log = logging.getLogger(__name__)

ENCODERS = "text_encoder"
"""What the names of the parts have in common that encode texts."""
AUTOENCODER = "vae"
_WORKING = ("encoder", "decoder")
"""What of an autoencoder is called by itself."""
_HOST = torch.device("cpu")
_BEGINS: WeakKeyDictionary[nn.Module, Callable[..., None]] = WeakKeyDictionary()
"""What has a part's turn begin, of parts that take turns."""


def place(
    parts: Mapping[str, nn.Module], network: str, plan: MemoryPlan, device: torch.device
) -> None:
    """Put a model's parts where its plan has them; `network` names the one that removes noise.

    Raises: RuntimeError or MemoryError as the device does, where it is too small after all.
    """
    if plan.is_small and not is_kept_small(parts[network]):
        keep_small(parts[network])
    ways = {name: way_of(name, network, plan) for name in parts}
    # The network first: where not all have room after all, it is what works at every step.
    for name in sorted(ways, key=lambda name: name != network):
        if ways[name] == "stays" or device == _HOST:
            parts[name].to(device)
    turns = _Turns(device)
    for name, part in parts.items():
        if ways[name] == "comes" and device != _HOST:
            turns.add(part)
        elif ways[name] == "visits":
            _visit(part, device, is_pinned=name == network)
    for name, part in parts.items():
        turns.follow(part, [getattr(part, n) for n in _WORKING] if name == AUTOENCODER else [part])


def put_beside(module: nn.Module, network: nn.Module, device: torch.device) -> None:
    """Put what works with a network on its device, or have it visit where it does not fit.

    It shares the network's turn, and may share layers with it.
    """
    try:
        module.to(device)
    except (RuntimeError, MemoryError) as error:
        if not is_oom(error):
            raise
    else:
        if begin := _BEGINS.get(network):
            module.register_forward_pre_hook(begin)
        return
    # Only here, where the error no longer holds what was brought over already.
    module.to(_HOST)
    give_memory_back(device)
    log.warning("%s is larger than the memory of %s", type(module).__name__, device)
    _visit(module, device, is_pinned=False)


def way_of(name: str, network: str, plan: MemoryPlan) -> Way:
    """Return where a part is, by its name."""
    if name == network:
        return plan.network
    return plan.encoders if ENCODERS in name else "stays"


def keep_small(network: Any) -> None:
    """Keep the numbers of a network in floats of 8 bits, and reckon with them as before.

    Layers that suffer from it stay as they are: those that normalise, and the first and last.
    """
    network.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=network.dtype)


def is_kept_small(network: nn.Module) -> bool:
    """Return whether numbers of a network are in floats of 8 bits."""
    return any(parameter.dtype == torch.float8_e4m3fn for parameter in network.parameters())


class _Turns:
    """Parts that share a device's memory: one comes when it works, as another does it leaves.

    What they leave behind is there already: their numbers stay in the computer's memory.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._coming: set[nn.Module] = set()
        self._here: nn.Module | None = None
        self._left: list[tuple[dict[str, Any], str, Tensor]] = []
        """Whose tensors are on the device, by their names, and those that they stand for."""

    def add(self, part: nn.Module) -> None:
        """Have a part come when it works."""
        self._coming.add(part)

    def follow(self, part: nn.Module, working: list[nn.Module]) -> None:
        """Have a part's turn begin as soon as what works of it is called."""
        if not self._coming:
            return

        def begin(*_: object) -> None:  # a function: a shared-weight copy of a module keeps it
            if self._here is not part:
                self._leave()
                if part in self._coming:
                    self._come(part)

        for module in working:
            module.register_forward_pre_hook(begin)
        _BEGINS[part] = begin

    def _leave(self) -> None:
        for owner, name, tensor in self._left:
            owner[name] = tensor
        self._left, self._here = [], None

    @torch.inference_mode(False)
    def _come(self, part: nn.Module) -> None:
        brought: dict[int, Tensor] = {}  # tied ones once
        for module in part.modules():
            owners: tuple[dict[str, Any], ...] = (module._parameters, module._buffers)
            for owner in owners:
                for name, tensor in owner.items():
                    if tensor is not None:
                        if id(tensor) not in brought:
                            brought[id(tensor)] = _moved(tensor, self._device)
                        self._left.append((owner, name, tensor))
                        owner[name] = brought[id(tensor)]
        self._here = part


def _moved(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a parameter or a buffer on a device, as what it is: quantised ones know their form."""
    moved = tensor.detach().to(device)
    is_plain = isinstance(tensor, nn.Parameter) and not isinstance(moved, nn.Parameter)
    return nn.Parameter(moved, requires_grad=False) if is_plain else moved


def _visit(part: Any, device: torch.device, *, is_pinned: bool) -> None:
    """Have a part's layers visit a device in turn; on a card the next one comes meanwhile.

    `is_pinned` holds the part where a card can fetch it by itself, which needs that much memory.
    """
    from diffusers.hooks import apply_group_offloading

    apply_group_offloading(
        part,
        onload_device=device,
        offload_device=_HOST,
        offload_type="leaf_level",
        use_stream=device.type == "cuda",
        low_cpu_mem_usage=not is_pinned,
    )


def footprint_of_parts(parts: Mapping[str, nn.Module], network: str) -> Footprint:
    """Return what a loaded model is of."""
    encoders = [part for name, part in parts.items() if ENCODERS in name]
    return Footprint(
        network=_part(parts[network]),
        encoders=tuple(map(_part, encoders)),
        autoencoder=_part(parts[AUTOENCODER]),
    )


def _part(module: nn.Module) -> Part:
    sizes = [t.numel() for t in _tensors(module)]
    dtype = str(next(_tensors(module)).dtype).removeprefix("torch.")
    return Part(sum(sizes), max(sizes), KINDS.get(dtype, "F32"))


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    yield from module.parameters()
    yield from module.buffers()
