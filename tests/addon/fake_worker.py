"""Stands in for the engine's worker: answers as the environment variable FAULT says."""

import json
import os
import signal
import sys
import time
from typing import Any

FAULT = os.environ.get("FAULT", "")
PLACES = os.environ.get("PLACES", "1")


def tell(**body: Any) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **body}) + "\n")
    sys.stdout.flush()


def fail(moment: str) -> None:
    match FAULT.partition("@"):
        case ["exit", "@", at] if at == moment:
            print("the last words", file=sys.stderr, flush=True)
            os._exit(3)
        case ["kill", "@", at] if at == moment:
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
        case ["garbage", "@", at] if at == moment:
            sys.stdout.write("\x00 not a message\n")
            sys.stdout.flush()
        case ["half", "@", at] if at == moment:
            sys.stdout.write('{"jsonrpc": "2.0", "id"')
            sys.stdout.flush()
            os._exit(0)
        case ["flood", "@", at] if at == moment:
            sys.stdout.write("x" * (100 * 2**20) + "\n")
            sys.stdout.flush()
        case ["silence", "@", at] if at == moment:
            time.sleep(600)


fail("start")
for line in sys.stdin:
    request = json.loads(line)
    id_, method = request["id"], request["method"]
    fail(method)
    if method == "generate":
        tell(method="progress", params={"id": id_, "step": 1, "steps": 2})
        fail("step")
        if request["params"].get("refuse"):
            data = {"kind": "memory", "advice": "use a smaller canvas"}
            tell(id=id_, error={"code": -32000, "message": "out of memory", "data": data})
            continue
        job = request["params"].get("job")
        if isinstance(job, dict):
            if preview := job.get("preview"):
                tell(method="preview", params={"id": id_, "step": 1, "image": preview})
            if job.get("nonsense"):
                tell(id=id_, result={"nonsense": True})
                continue
            while job.get("hold") and '"cancel"' not in (line := sys.stdin.readline()):
                pass
            if job.get("hold"):
                tell(id=json.loads(line)["id"], result={"cancelled": True})
                tell(id=id_, error={"code": -32800, "message": "", "data": {"kind": "cancelled"}})
                continue
            output = request["params"]["output"]
            tell(id=id_, result={"output": output, "job": {**job, "pid": os.getpid()}})
            continue
    if f"refuse@{method}" == FAULT:
        data = {"kind": "memory", "advice": "use a smaller canvas"}
        tell(id=id_, error={"code": -32000, "message": "out of memory", "data": data})
        continue
    more = {"places": PLACES} if method == "initialize" else {}
    tell(id=id_, result={"echo": request["params"], **more})
    if method == "shutdown":
        break
