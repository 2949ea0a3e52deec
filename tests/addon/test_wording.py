"""What the panel says of a state."""

import pytest

from mixdiff_blender.backend.client import EngineNotification
from mixdiff_blender.backend.session import Generating, State, _progressed
from mixdiff_blender.backend.wording import state_text

SAMPLING = Generating(phase="sampling", step=3, steps=8, remaining_s=40.0)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (Generating(phase="loading"), "Loading the model"),
        (SAMPLING, "Step 3 of 8 · 40 s left"),
        (Generating(phase="decoding", step=8, steps=8), "Finishing the picture"),
        (
            Generating(phase="decoding", step=8, steps=8, row=640, rows=2048),
            "Finishing the picture: row 640 of 2048",
        ),
        (Generating(phase="writing", step=8, steps=8), "Saving the picture"),
    ],
)
def test_it_says_how_far_a_job_is(state: State, said: str) -> None:
    assert state_text(state) == said


def test_the_engines_rows_are_taken_in() -> None:
    news = EngineNotification(id=1, method="rows", params={"row": 640, "rows": 2048})
    assert (_progressed(SAMPLING, news).row, _progressed(SAMPLING, news).rows) == (640, 2048)
    assert (
        _progressed(SAMPLING, EngineNotification(id=1, method="rows", params={"row": "?"}))
        == SAMPLING
    )


def test_a_job_that_begins_again_forgets_the_rows_of_its_first_try() -> None:
    decoding = Generating(phase="decoding", step=8, steps=8, row=640, rows=2048)
    assert decoding.share == 640 / 2048
    again = _progressed(
        decoding, EngineNotification(id=1, method="phase", params={"phase": "encoding"})
    )
    assert (again.row, again.share) == (0, 1.0)
