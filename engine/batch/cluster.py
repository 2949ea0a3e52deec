"""A Ray cluster: one actor a GPU, or a share of the cores, that keeps its model.

Jobs carry their pictures by content, and what is made comes back as bytes: the machines need no
folder in common. Each needs the same engine, Ray, and the models that jobs name.
Source: https://docs.ray.io/en/latest/ray-core/actors.html, and generators of the same.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import queue
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import engine
from engine import __version__
from engine.batch.content import (
    SentModel,
    content_of,
    fingerprint,
    sent_model,
    with_content,
)
from engine.batch.tasks import BatchTask
from engine.batch.work_queue import Account, OpenEngine, Step
from engine.contract.errors import Cancelled, EngineError, ModelError, Problem, first_line
from engine.contract.files import atomic_write
from engine.contract.limits import Limits
from engine.contract.protocol import Failure, exception, failure

_REACH_S = 5
_JOIN_S = 40  # after a minute Ray ends the process
_START_S = 600
_HERE, _ALONE = "127.0.0.1", "local"
_CONTROL = "control"
_NEVER_BEGAN = "in its creation task"
_ADVICE = "name HOST:PORT of the cluster's head, as `ray start --head` prints it"
_JOIN_ADVICE = (
    "ask on a machine that belongs to it and has its token, if it has one; `ray stop` forgets a "
    "cluster that is gone"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What each engine of a cluster is to be."""

    device: str
    dtype: str
    cpus_each: int
    limits: Limits


class ClusterEngine:
    """The engine on a machine of the cluster; Ray makes an actor of it."""

    def __init__(self, device: str, dtype: str, limits: Mapping[str, int]) -> None:
        from engine.process.kernels import keep_kernels
        from engine.process.threads import wait_briefly

        wait_briefly()
        keep_kernels()
        from engine.model_keeper import ModelKeeper
        from engine.process.quiet import silence_libraries
        from engine.runtime.devices import choose_device

        silence_libraries()
        self._keeper = ModelKeeper(device=choose_device(device, dtype))
        self._limits = Limits(**limits)
        self._folder = tempfile.TemporaryDirectory(prefix="mixdiff-")
        self._cancelled = 0

    def cancel(self, number: int) -> None:
        """Have a picture end soon; called while another thread makes it."""
        self._cancelled = number

    def versions(self) -> dict[str, str]:
        """Return what must be the same wherever the pictures of a batch are made."""
        return versions()

    def make(
        self,
        number: int,
        recorded: Mapping[str, Any],
        contents: Mapping[str, Any],
        model: SentModel,
    ) -> Iterator[tuple[Any, ...]]:
        """Make a picture, and yield its steps and its end: its files, or the error.

        It can be cancelled by its `number`. `contents` are the job's pictures, each by its name in
        the job, as objects of the cluster.
        """
        import ray

        try:
            names = list(contents)
            data = dict(zip(names, ray.get([contents[name] for name in names]), strict=True))
            yield from self._made(number, recorded, data, model)
        except Exception as error:
            failed = failure(0, error)
            yield "failed", failed.code, failed.message, dict(failed.data)

    def _made(
        self,
        number: int,
        recorded: Mapping[str, Any],
        data: Mapping[str, bytes],
        model: SentModel,
    ) -> Iterator[tuple[Any, ...]]:
        from engine.run import RunRequest, run
        from engine.sampling.events import Done, StepDone

        with tempfile.TemporaryDirectory(dir=self._folder.name) as name:
            folder = Path(name)
            document = with_content(recorded, data, folder, model)
            here = fingerprint(model.name, folder)
            if model.fingerprint and here and model.fingerprint != here:
                raise ModelError(
                    f"{model.name!r} on {socket.gethostname()} is not the one that the job "
                    "was sent with",
                    "put the same files on all machines",
                )
            request = RunRequest(
                document=document, folder=folder, output=folder / "made.png", recorded=recorded
            )
            for event in run(
                request,
                self._keeper,
                limits=self._limits,
                is_cancelled=lambda: self._cancelled == number,
            ):
                match event:
                    case StepDone():
                        yield "step", event.step, event.steps
                    case Done():
                        steps = {step.name: step.read_bytes() for step in event.steps}
                        problems = [problem.to_document() for problem in event.problems]
                        told = {"problems": problems, "timings_s": event.timings_s}
                        yield "made", event.output.read_bytes(), steps, told


class RemoteEngine:
    """An engine of the cluster, as the machine that asks sees it.

    Raises: EngineError of kind `crashed` where it or its machine is gone.
    """

    def __init__(
        self, name: str, wanted: Wanted, options: Mapping[str, Any], contents: dict[str, Any]
    ) -> None:
        import ray

        self._ray, self._name, self._contents = ray, name, contents
        self._number, self._cancelled = 0, 0
        as_actor: Any = ray.remote  # its types know no groups
        remote = as_actor(concurrency_groups={_CONTROL: 1})(ClusterEngine)
        actor = remote.options(scheduling_strategy="SPREAD", **options)
        with self._errors():
            self._actor = actor.remote(wanted.device, wanted.dtype, asdict(wanted.limits))
            try:
                versions = ray.get(self._actor.versions.remote(), timeout=_START_S)
            except ray.exceptions.GetTimeoutError as error:
                self.close()
                raise EngineError(
                    f"the cluster has had no room for an engine for {_START_S} s",
                    kind="environment",
                    advice="see `ray status`",
                ) from error
        _require_same(versions)

    def make(self, task: BatchTask, on_step: Step) -> Account:
        """Make a picture there, and write it here."""
        self._number += 1
        recorded = task.document
        sent = {}
        for name, (digest, data) in content_of(task.job, task.folder).items():
            if digest not in self._contents:  # sent once, however many jobs show it
                self._contents[digest] = self._ray.put(data)
            sent[name] = self._contents[digest]
        model = sent_model(task.job, task.folder)
        with self._errors():
            told = self._actor.make.options(num_returns="streaming").remote(
                self._number, recorded, sent, model
            )
            for reference in told:
                match self._ray.get(reference):
                    case ("step", step, steps):
                        on_step(step, steps)
                    case ("failed", code, message, data):
                        raise exception(Failure(id=0, code=code, message=message, data=data))
                    case ("made", picture, step_pictures, account):
                        return self._written(task, picture, step_pictures, account)
        raise EngineError(f"{self._name} ended without an answer", kind="crashed")

    def cancel(self) -> None:
        """Ask for the end of the picture that is being made; one that is made is not written."""
        self._cancelled = self._number
        self._actor.cancel.options(concurrency_group=_CONTROL).remote(self._number)

    def close(self) -> None:
        """End the actor, in whatever it is."""
        self._ray.kill(self._actor)

    def _written(
        self,
        task: BatchTask,
        picture: bytes,
        steps: Mapping[str, bytes],
        account: Mapping[str, Any],
    ) -> Account:
        if self._cancelled == self._number:
            raise Cancelled
        folder = task.output.with_name(f"{task.output.stem}-steps")
        # The picture last: where it is, all of it is.
        for path, data in (*((folder / k, v) for k, v in steps.items()), (task.output, picture)):
            with atomic_write(path) as file:
                file.write(data)
        return Account(
            problems=tuple(Problem.from_document(one) for one in account["problems"]),
            timings_s=account["timings_s"],
            steps=tuple(str(folder / name) for name in steps),
        )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn what Ray says into errors of the engine."""
        errors = self._ray.exceptions
        try:
            yield
        except errors.RayActorError as error:
            raise self._gone(error) from error
        except errors.RayTaskError as error:
            said = EngineError(f"{self._name}: {first_line(error.cause)}", kind="environment")
            raise said from error
        except errors.RayError as error:
            raise EngineError(f"{self._name}: {first_line(error)}", kind="crashed") from error

    def _gone(self, error: Exception) -> EngineError:
        text = str(error).strip()
        if _NEVER_BEGAN not in text:
            return EngineError(f"{self._name} is gone: {first_line(error)}", kind="crashed")
        why = text.splitlines()[-1].strip()
        advice = "start Ray there in the engine's environment, with the engine on PYTHONPATH"
        return EngineError(f"{self._name} does not begin: {why}", kind="environment", advice=advice)


def _require_same(there: Mapping[str, str]) -> None:
    differ = [
        f"{name} {there.get(name)} instead of {version}"
        for name, version in versions().items()
        if there.get(name) != version
    ]
    if differ:
        raise EngineError(
            f"a machine of the cluster has {', '.join(differ)}",
            kind="environment",
            advice="install the same versions on all: pictures would differ",
        )


def versions() -> dict[str, str]:
    """Return what must be the same wherever the pictures of a batch are made."""
    names = ("torch", "diffusers", "transformers")
    found = {name: importlib.metadata.version(name).partition("+")[0] for name in names}
    return {"engine": __version__, **found}


@contextmanager
def cluster(address: str, wanted: Wanted) -> Iterator[dict[str, OpenEngine]]:
    """Join a cluster, and give its places: one a GPU, or else one for each share of the cores.

    Without an address it is the one that this machine belongs to, or one of this machine alone, as
    `local` is.

    Raises: EngineError where there is no Ray, or no cluster.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported anywhere
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    _know_the_token()  # before Ray reads its settings
    try:
        import ray
    except ImportError as error:
        raise EngineError(
            "Ray is not installed here",
            kind="environment",
            advice="`pip install -r engine/requirements-ray.txt` on every machine of the cluster",
        ) from error
    with contextlib.chdir(sys.prefix):  # Ray has all workers import from the current folder too
        _join(ray, address)
    try:
        places = _places(ray, wanted)
        if not places:
            raise EngineError(
                f"no machine of the cluster has {wanted.cpus_each} cores for an engine",
                kind="device",
                advice="give fewer with --cpus-each",
            )
        yield places
    finally:
        ray.shutdown()


def _join(ray: Any, address: str) -> None:
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    alone = {**quiet, "include_dashboard": False, "_node_ip_address": _HERE}
    if address not in ("", _ALONE):
        _require_reachable(address)
    else:
        os.environ.setdefault("PYTHONPATH", str(Path(engine.__file__).parents[1]))
    try:
        if address == _ALONE:
            ray.init(address="local", **alone)
            return
        try:
            _within(_JOIN_S, partial(ray.init, address=address or "auto", **quiet))
        except ConnectionError:
            if address:
                raise
            ray.init(address="local", **alone)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        where = address or "here"
        message = f"there is no Ray cluster at {where}: {first_line(error)}"
        raise EngineError(message, kind="network", advice=_JOIN_ADVICE) from error


def _know_the_token() -> None:
    """Have Ray show its token where this machine has one: asked by address, it does not itself.

    A cluster without tokens ends whoever shows one: RAY_AUTH_MODE says that there are none.
    Source: https://docs.ray.io/en/latest/ray-security/token-auth.html
    """
    named = {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & set(os.environ)
    if named or (Path.home() / ".ray" / "auth_token").is_file():
        os.environ.setdefault("RAY_AUTH_MODE", "token")


def _within(seconds: float, call: Callable[[], object]) -> None:
    """Call something that waits for minutes where it finds something else than it looks for.

    Raises: TimeoutError, while it goes on in its thread.
    """
    ended: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()

    def run() -> None:
        try:
            call()
        except BaseException as error:
            ended.put(error)
        else:
            ended.put(None)

    threading.Thread(target=run, name="joining", daemon=True).start()
    try:
        error = ended.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"what answers there is not Ray, or not for {seconds:g} s") from None
    if error is not None:
        raise error


def _require_reachable(address: str) -> None:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "/" in address:
        message = f"{address!r} is no address of a cluster"
        raise EngineError(message, kind="network", advice=_ADVICE)
    try:  # Ray itself would ask for minutes
        socket.create_connection((host, int(port)), timeout=_REACH_S).close()
    except (OSError, OverflowError) as error:
        message = f"nothing answers at {address}: {error}"
        raise EngineError(message, kind="network", advice=_ADVICE) from error


def _places(ray: Any, wanted: Wanted) -> dict[str, OpenEngine]:
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    gpus = sum(int(node.get("GPU", 0)) for node in nodes) if wanted.device != "cpu" else 0
    options: dict[str, Any]
    if gpus:
        count, kind, options = gpus, "gpu", {"num_gpus": 1, "num_cpus": 1}
    else:
        count = sum(int(node.get("CPU", 0)) // wanted.cpus_each for node in nodes)
        kind, options = "cpu", {"num_cpus": wanted.cpus_each}
    contents: dict[str, Any] = {}
    return {
        (name := f"ray:{kind}:{number}"): partial(RemoteEngine, name, wanted, options, contents)
        for number in range(count)
    }
