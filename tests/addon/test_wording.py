"""What the panel says of a state."""

import pytest

from mixdiff_blender.backend.client import EngineNotification
from mixdiff_blender.backend.progress import Estimate, Progress
from mixdiff_blender.backend.wording import estimate_text, progress_text

SAMPLING = Progress(phase="sampling", step=3, steps=8, remaining_s=40.0)


@pytest.mark.parametrize(
    ("progress", "said"),
    [
        (Progress(phase="loading"), "Loading the model"),
        (SAMPLING, "Step 3 of 8 · 40 s left"),
        (Progress(phase="decoding", step=8, steps=8), "Finishing the picture"),
        (
            Progress(phase="decoding", step=8, steps=8, row=640, rows=2048),
            "Finishing the picture: row 640 of 2048",
        ),
        (Progress(phase="writing", step=8, steps=8), "Saving the picture"),
    ],
)
def test_it_says_how_far_a_job_is(progress: Progress, said: str) -> None:
    assert progress_text(progress) == said


def test_the_engines_rows_are_taken_in() -> None:
    rows = EngineNotification(id=1, method="rows", params={"row": 640, "rows": 2048})
    assert (SAMPLING.after(rows).row, SAMPLING.after(rows).rows) == (640, 2048)
    garbled = EngineNotification(id=1, method="rows", params={"row": "?"})
    assert SAMPLING.after(garbled) == SAMPLING


def test_a_job_that_begins_again_forgets_the_rows_of_its_first_try() -> None:
    decoding = Progress(phase="decoding", step=8, steps=8, row=640, rows=2048)
    assert decoding.share == 640 / 2048
    again = decoding.after(EngineNotification(id=1, method="phase", params={"phase": "encoding"}))
    assert (again.row, again.share) == (0, 1.0)


@pytest.mark.parametrize(
    ("estimate", "said"),
    [
        (None, ""),
        (Estimate(seconds=6.2, taken_bytes=0), " · about 6 s"),
        (Estimate(seconds=300, taken_bytes=1_100_000_000), " · about 5 min · 1.1 GB"),
    ],
)
def test_what_a_picture_will_take_is_said_after_its_size(
    estimate: Estimate | None, said: str
) -> None:
    assert estimate_text(estimate) == said
