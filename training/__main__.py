"""`python -m training STAGE`: one command for each stage and one for all."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from training import classifier, denoiser, judge, record, vae
from training.export import export
from training.restore import restore
from training.settings import BUDGETS, SHARES, Budget, Settings

BUNDLED = Path(__file__).parents[1] / "engine" / "bundled"
STAGES = ("vae", "denoiser", "decoder", "classifier", "judge", "export", "all", "restore")


def main() -> None:
    """Run one stage, or all of them in order."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("stage", choices=STAGES)
    start = parser.add_mutually_exclusive_group()
    start.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    start.add_argument(
        "--warm", action="store_true", help="begin a new run with the last checkpoint's weights"
    )
    for stage, budget in BUDGETS.items():
        parser.add_argument(
            f"--{stage}-min", type=float, default=budget.minutes, help="ends it, in minutes"
        )
        parser.add_argument(
            f"--{stage}-steps", type=int, default=budget.steps, help="ends it where this is sooner"
        )
    parser.add_argument(
        "--within", type=float, help="minutes for all stages, in place of their steps; for a GPU"
    )
    parser.add_argument("--cache", type=Path, default=Settings().cache, help="intermediate state")
    parser.add_argument(
        "--to", type=Path, default=BUNDLED, help="folder of the exported model, and of its record"
    )
    given = parser.parse_args()
    options = vars(given)
    budgets = {
        stage: Budget(minutes=options[f"{stage}_min"], steps=options[f"{stage}_steps"])
        for stage in BUDGETS
    }
    for stage, budget in budgets.items():
        if budget.minutes <= 0 or budget.steps <= 0:
            parser.error(f"--{stage}-min and --{stage}-steps must be above 0")
    if given.within is not None:
        if given.within <= 0:
            parser.error("--within must be above 0")
        budgets = {
            stage: Budget(minutes=share * given.within, steps=10**9)
            for stage, share in SHARES.items()
        }
    settings = dataclasses.replace(Settings(), cache=given.cache, budgets=budgets)
    if given.stage == "restore":
        restore(settings, given.to)
    every = given.stage == "all"
    if every or given.stage == "vae":
        vae.train(settings, resume=given.resume, warm=given.warm)
    if every or given.stage == "denoiser":
        denoiser.train(settings, resume=given.resume, warm=given.warm)
    if every or given.stage == "decoder":
        vae.train(settings, resume=given.resume, decoder_only=True)
    if every or given.stage == "classifier":
        classifier.train(settings, resume=given.resume)
    if every or given.stage == "judge":
        judge.train(settings, resume=given.resume)
    if every or given.stage == "export":
        export(settings, given.to)
        # That of the weights that ship stands beside their training; another's with it.
        record.write(settings, Path(__file__).parent if given.to == BUNDLED else given.to)


if __name__ == "__main__":
    main()
