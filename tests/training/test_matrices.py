"""The optimiser of two kinds: filters are moved as matrices, and a state goes on where it was."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from training.matrices import MixedOptimizer


class Net(nn.Module):
    """A layer at the network's end, a convolution within, and a layer of numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(4, 8, 3, padding=1)
        self.conv = nn.Conv2d(8, 8, 3, padding=1)
        self.to_out = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        inner = torch.relu(self.conv(torch.relu(self.conv_in(x))))
        out: Tensor = self.to_out(inner.mean((2, 3)))
        return out


def net() -> Net:
    torch.manual_seed(0)
    made = Net()
    for layer in (made.conv_in, made.conv):
        layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last)
    return made


def trained(model: Net, optimizer: MixedOptimizer, steps: int, seed: int = 1) -> list[float]:
    draw = torch.Generator().manual_seed(seed)
    losses = list[float]()
    for _ in range(steps):
        x = torch.randn(16, 4, 6, 6, generator=draw)
        loss = (model(x) - x.square().mean((2, 3))).square().mean()
        for parameter in model.parameters():
            parameter.grad = None
        loss.backward()
        optimizer.step(0.01)
        losses.append(float(loss.detach()))
    return losses


def test_it_moves_every_parameter_and_the_loss_falls() -> None:
    model = net()
    before = copy.deepcopy(model)
    losses = trained(model, MixedOptimizer({"net": model}, 0.01, threads=2), 40)
    assert sum(losses[-5:]) < 0.3 * sum(losses[:5])
    for old, new in zip(before.parameters(), model.parameters(), strict=True):
        assert not torch.equal(old, new)


def test_filters_become_orthogonal_steps_however_large_their_gradients() -> None:
    model = net()
    before = model.conv.weight.detach().clone()
    optimizer = MixedOptimizer({"net": model}, 0.01, threads=1)
    for parameter in model.parameters():
        parameter.grad = 1000 * torch.randn_like(parameter)
    optimizer.step(0.01)
    moved = (model.conv.weight.detach() - before).permute(0, 2, 3, 1).reshape(8, -1)
    values = torch.linalg.svdvals(moved)
    assert values.max() < 2.5 * values.min()


def test_a_state_goes_on_where_it_was() -> None:
    model = net()
    optimizer = MixedOptimizer({"net": model}, 0.01, threads=2)
    trained(model, optimizer, 5)
    other = copy.deepcopy(model)
    resumed = MixedOptimizer({"net": other}, 0.01, threads=2)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert trained(model, optimizer, 5, seed=2) == trained(other, resumed, 5, seed=2)
