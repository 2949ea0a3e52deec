"""Pictures of the figures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.ticker import NullLocator

_INK = "#333333"
_COLOURS = ("#4269d0", "#efb118", "#3ca951", "#97bbf5", "#ff725c", "#9c6b4e")
mpl.rcParams.update(
    {
        "font.size": 10,
        "axes.edgecolor": _INK,
        "axes.labelcolor": _INK,
        "text.color": _INK,
        "xtick.color": _INK,
        "ytick.color": _INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "savefig.dpi": 120,
        "svg.hashsalt": "mixdiff",
    }
)


def draw(series: Mapping[str, Any], folder: Path) -> list[Path]:
    """Draw what was measured, and return the files."""
    drawn: list[Path] = []
    if "cpu" in series:
        drawn.append(_bars(series["cpu"]["step_s"], folder / "cpu.png", "seconds a step"))
    if "profile" in series:
        drawn.append(_profile(series["profile"], folder / "profile.png"))
    if "growth" in series:
        drawn.append(_growth(series["growth"], series["settled_from"], folder / "growth.png"))
    for name in ("gpu, bfloat16", "gpu, float16"):
        if name in series:
            file = folder / f"{name.replace(', ', '_')}.png"
            drawn.append(_bars(series[name]["whole_s"], file, "seconds a job"))
    if "gpu growth" in series:
        drawn.append(_growth(series["gpu growth"], {}, folder / "gpu_growth.png"))
    for name, own in series.items():
        if name.startswith("card, "):
            file = folder / f"{name.replace(', ', '_').replace(' ', '_')}.png"
            drawn.append(_bars(own["values"], file, own["label"]))
    return drawn


def _bars(values: Mapping[str, float], path: Path, label: str) -> Path:
    items = sorted(values.items(), key=lambda item: item[1])
    figure, axes = plt.subplots(figsize=(7, 0.5 * len(items) + 0.9), layout="constrained")
    colours = [_COLOURS[0] if name == "engine" else "#b8b8b8" for name, _ in items]
    bars = axes.barh([name for name, _ in items], [value for _, value in items], color=colours)
    axes.bar_label(bars, [f"{value:.3g} s" for _, value in items], padding=4)
    axes.set_xlabel(label)
    axes.margins(x=0.12)
    return _saved(figure, path)


def _profile(profile: Mapping[str, Any], path: Path) -> Path:
    total = profile["total_s"]
    figure, axes = plt.subplots(figsize=(7, 1.9), layout="constrained")
    left = 0.0
    for (name, seconds), colour in zip(profile["seconds"].items(), _COLOURS, strict=True):
        share = seconds / total
        axes.barh([0], [seconds], left=left, color=colour, label=f"{name} {share:.1%}")
        left += seconds
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(f"seconds of the demo's job, {total:.1f} in all")
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    return _saved(figure, path)


def _growth(
    growth: Mapping[str, list[Mapping[str, float]]], settled_from: Mapping[str, float], path: Path
) -> Path:
    figure, grid = plt.subplots(2, 2, figsize=(9, 6.4), layout="constrained")
    for axes in grid.flat:
        axes.set(xscale="log", yscale="log")
    for name, points in growth.items():
        by_canvas = name.startswith("canvas")
        column, unit = (1, 1e6) if by_canvas else (0, 1)
        sizes = np.array([point["size"] for point in points]) / unit
        settled = sizes >= settled_from.get(name, math.inf) / unit
        is_frugal = "frugal" in name
        for row, (key, factor) in enumerate((("seconds", 1), ("peak_bytes", 2**-20))):
            axes = grid[row, column]
            values = np.array([max(point[key], 1e-9) for point in points]) * factor
            axes.plot(sizes, values, "o", color=_COLOURS[is_frugal])
            _fit(axes, sizes, values, name, color=_COLOURS[is_frugal], alpha=0.6)
            if row == 1 and settled.sum() > 1:
                start = f"{sizes[settled][0]:.2g}"
                _fit(axes, sizes[settled], values[settled], f"from {start} on", color=_INK, ls="--")
            if not is_frugal:
                form = ".2g" if by_canvas else "g"
                axes.set_xticks(sizes, [format(size, form) for size in sizes])
                axes.xaxis.set_minor_locator(NullLocator())
    for column, label in enumerate(("regions", "canvas, millions of pixels")):
        grid[0, column].set_ylabel("seconds a step" if column == 0 else "seconds a job")
        grid[1, column].set_ylabel("peak memory beside the model, MiB")
        for axes in grid[:, column]:
            axes.set_xlabel(label)
            axes.grid(visible=True, alpha=0.25)
            if axes.lines:
                axes.legend(frameon=False, loc="upper left")
                low, high = axes.get_ylim()
                # Room for the legend; and two decades at least, so that flat looks flat.
                axes.set_ylim(low, max(5 * high, 100 * low))
            else:
                axes.set_visible(False)
    return _saved(figure, path)


def _fit(axes: Any, sizes: Any, values: Any, name: str, **style: Any) -> None:
    slope, level = np.polyfit(np.log(sizes), np.log(values), 1)
    fitted = np.exp(level) * sizes**slope
    axes.plot(sizes, fitted, label=f"{name}: exponent {round(slope, 2) + 0.0:.2f}", **style)


def _saved(figure: Any, path: Path) -> Path:
    figure.savefig(path)
    plt.close(figure)
    return path
