"""The model's noise schedule suits every scheduler that a job may name."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
from engine.contract.schedulers import SCHEDULERS  # noqa: E402
from engine.families.schedules import build_scheduler  # noqa: E402
from training.denoiser import build_scheduler as model_schedule  # noqa: E402
from training.denoiser import training_times  # noqa: E402
from training.settings import DenoiserSettings  # noqa: E402


@pytest.mark.parametrize("name", sorted(SCHEDULERS))
def test_an_exact_velocity_leads_every_scheduler_to_the_clean_latents(name: str) -> None:
    own = model_schedule(DenoiserSettings())
    scheduler = build_scheduler(name, own.config)
    scheduler.set_timesteps(20)
    generator = torch.Generator().manual_seed(0)
    clean = 1.0 + 0.3 * torch.randn(1, 4, 8, 8, generator=generator)
    latents = torch.randn(1, 4, 8, 8, generator=generator) * scheduler.init_noise_sigma
    for t in scheduler.timesteps:
        seen = scheduler.scale_model_input(latents, t)
        below = int(t)
        above = min(below + 1, 999)
        kept = own.alphas_cumprod[below]
        kept = kept + (own.alphas_cumprod[above] - kept) * (float(t) - below)
        noise = (seen - kept.sqrt() * clean) / (1.0 - kept).sqrt()
        velocity = kept.sqrt() * noise - (1.0 - kept).sqrt() * clean
        extra = {"generator": generator} if name in ("euler_a", "lcm") else {}
        latents = scheduler.step(velocity, t, latents, return_dict=False, **extra)[0]
    assert float((latents - clean).abs().max()) < 0.15


def test_little_of_the_picture_is_left_in_the_last_noise_but_not_nothing() -> None:
    left = float(model_schedule(DenoiserSettings()).alphas_cumprod[-1]) ** 0.5
    assert 0.001 < left < 0.05


def test_training_looks_at_all_times_and_most_at_the_middle() -> None:
    settings = DenoiserSettings()
    torch.manual_seed(0)
    times = torch.cat([training_times(16, settings, 1000) for _ in range(500)]).float()
    assert 0 <= float(times.min()) < 20
    assert 980 < float(times.max()) <= 999
    low, high = (1000 * side for side in settings.middle)
    inside = float(((times >= low) & (times <= high)).float().mean())
    expected = settings.middle_share + (1 - settings.middle_share) * (high - low) / 1000
    assert abs(inside - expected) < 0.03
