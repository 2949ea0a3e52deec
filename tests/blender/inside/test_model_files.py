"""A network that stands alone in a file: said in the panel, with a way to get what it lacks."""

import json
import struct
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import bpy
import pytest
from addon import generate as generate_panel
from addon import job_from_scene, models, scripting
from scenes import add_camera, add_region, empty_scene

HOSTS = "oldest and newest"


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A scene whose model is the network of a Z-Image model alone, with an empty hub's cache."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    header = json.dumps(
        {"cap_embedder.1.weight": {"dtype": "F16", "shape": [2, 2], "data_offsets": [0, 8]}}
    ).encode()
    path = tmp_path / "z_image_turbo.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(8))
    scene = empty_scene()
    add_camera(scene)
    add_region("wall", "bricks")
    scene.mixdiff.model = str(path)
    return scene


def test_what_it_is_and_what_it_lacks_is_said(network: Any) -> None:
    (said,) = [text for text in scripting.problems() if text.startswith("model")]
    assert "is the denoising network of a Z-Image model alone" in said
    assert "what it lacks, of Tongyi-MAI/Z-Image-Turbo: the button beside the model" in said
    job = job_from_scene(network, bpy.context.evaluated_depsgraph_get()).job
    assert job.regions[-1].guidance_scale == 5, "its family's"


def test_the_panel_has_a_button_that_fetches_what_it_lacks(
    network: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = MagicMock()
    kinds = [cls for cls in generate_panel.CLASSES if hasattr(cls, "_draw_download")]
    kinds[0]._draw_download(panel, panel.layout, bpy.context, network.mixdiff.model)
    texts = [call.kwargs.get("text") for call in panel.layout.mock_calls]
    assert "Download What It Lacks" in texts
    assert models.lacks_rest(network.mixdiff.model)
    network.mixdiff.model = "bundled"
    assert not models.lacks_rest("bundled")
    monkeypatch.setattr(bpy.context.preferences.system, "use_online_access", False)
    network.mixdiff.model = "//nothing.gguf"
    with pytest.raises(RuntimeError, match="stay offline"):
        bpy.ops.mixdiff.download_model()
