"""The worker's requests: each answered once, whatever they hold, and the next one too."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from engine.contract.errors import ModelError
from engine.contract.models import ModelFacts, facts_of
from engine.contract.protocol import METHODS, Failure, ProtocolError, Request, Result, decode
from engine.process.wire import Wire
from engine.serve import Worker
from tests.contract.jobs import right_job
from tests.fuzz.fuzzing import Draw, as_json, fuzz, garbled, mutated

LAST = {"jsonrpc": "2.0", "id": "last", "method": "shutdown"}


class NoModels:
    """Stands for the models: none can be loaded, so that no job runs and nothing is written."""

    default_model = None

    def facts(self, document: object, folder: Path) -> ModelFacts:
        return facts_of(None)

    def model(self, name: str | None, folder: Path) -> None:
        raise ModelError("there is none here", "this is a test")

    def unload(self) -> None:
        return None


def request(draw: Draw, id_: int) -> dict[str, Any]:
    method = draw.draw(st.sampled_from([m for m in METHODS if m not in ("initialize", "shutdown")]))
    params: dict[str, dict[str, Any]] = {
        "validate": {"job": right_job(), "folder": "."},
        "generate": {"job": right_job(), "output": "out.png", "preview_every_s": 1},
        "cancel": {"id": id_ - 1},
    }
    return {"jsonrpc": "2.0", "id": id_, "method": method, "params": params.get(method, {})}


def line(draw: Draw, id_: int) -> bytes:
    content = request(draw, id_)
    how = draw.draw(st.sampled_from(["params", "all", "bytes"]))
    if how == "params":
        return as_json({**content, "params": mutated(draw, content["params"])})
    if how == "all":
        changed = mutated(draw, content)
        # What is no request of ours may be anything but one that ends the worker.
        return as_json(changed if changed != LAST else content)
    return garbled(draw, as_json(content)).replace(b"\n", b"")


def test_each_request_is_answered_once_whatever_it_holds(
    seconds: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def one(draw: Draw) -> None:
        lines = [line(draw, id_) for id_ in range(draw.draw(st.integers(1, 5)))]
        answers = io.BytesIO()
        worker = Worker(Wire(answers))
        worker._keeper = NoModels()
        worker.read(io.BytesIO(b"\n".join([*lines, as_json(LAST)]) + b"\n"))
        worker.run()
        told = [decode(answer) for answer in answers.getvalue().splitlines()]
        ends = [message for message in told if isinstance(message, Result | Failure)]
        assert [end.id for end in ends].count("last") == 1
        wanted = []
        for text in lines:
            try:
                message = decode(text)
            except ProtocolError:
                continue
            if isinstance(message, Request):
                wanted.append(message.id)
        for id_ in wanted:
            assert id_ in [end.id for end in ends]
        internal = [end for end in ends if isinstance(end, Failure) and end.code == -32603]
        assert not internal, internal

    fuzz(one, seconds)
    assert list(tmp_path.iterdir()) == []
