"""Finding a cluster, and saying why there is none."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.batch import cluster as cluster_module
from engine.batch.cluster import Wanted, cluster
from engine.contract.errors import EngineError
from engine.contract.limits import Limits

WANTED = Wanted(device="cpu", dtype="auto", cpus_each=1, limits=Limits())


def joining(address: str) -> EngineError:
    with pytest.raises(EngineError) as caught, cluster(address, WANTED):
        pass
    return caught.value


def test_without_ray_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    error = joining("127.0.0.1:9")
    assert error.kind == "environment"
    assert "requirements-ray.txt" in error.advice


@pytest.mark.parametrize("address", ["cluster", "ray://head:10001", "head:", ":6379", "h:1:x"])
def test_what_is_no_address_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace())
    error = joining(address)
    assert error.kind == "network"
    assert repr(address) in error.message


def test_something_else_that_answers_is_waited_for_for_a_while_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    never = threading.Event()
    stand_in = SimpleNamespace(init=lambda **_: never.wait(60), shutdown=lambda: None)
    monkeypatch.setitem(sys.modules, "ray", stand_in)
    monkeypatch.setattr(cluster_module, "_JOIN_S", 0.2)
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as server:
        error = joining(f"127.0.0.1:{server.getsockname()[1]}")
    assert time.monotonic() - began < 20
    assert "not Ray" in error.message
    never.set()


@pytest.mark.parametrize("has_token", [True, False])
def test_a_token_is_shown_where_there_is_one(
    has_token: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen = []

    def init(**_: object) -> None:
        seen.append(os.environ.get("RAY_AUTH_MODE"))
        raise ConnectionError("no such cluster")

    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(init=init, shutdown=lambda: None))
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)
    monkeypatch.setattr(cluster_module, "_require_reachable", lambda _: None)
    if has_token:
        (tmp_path / ".ray").mkdir()
        (tmp_path / ".ray/auth_token").write_text("secret")
    error = joining("head:6379")
    assert seen == ["token" if has_token else None]
    assert "token" in error.advice


def test_the_cluster_imports_nothing_from_the_current_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen = []

    def init(**_: object) -> None:
        seen.append(Path.cwd())
        raise ConnectionError("no such cluster")

    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(init=init, shutdown=lambda: None))
    monkeypatch.setattr(cluster_module, "_require_reachable", lambda _: None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "diffusers.py").write_text("raise SystemExit")
    joining("head:6379")
    assert seen == [Path(sys.prefix)]
    assert Path.cwd() == tmp_path
