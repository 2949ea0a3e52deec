"""The wire: JSON-RPC 2.0, one message a line, UTF-8, over a worker's stdin and stdout.

Source: https://www.jsonrpc.org/specification; the cancellation code is the language server
protocol's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from .errors import EngineError, JobError, Problem

PROTOCOL_VERSION = 1
MAX_MESSAGE_BYTES = 16 * 2**20
_READ_BYTES = 2**16

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
ENGINE_ERROR = -32000
REQUEST_CANCELLED = -32800

METHODS = ("initialize", "validate", "preload", "generate", "cancel", "unload", "shutdown")
PHASES = ("waiting", "loading", "encoding", "sampling", "decoding", "writing")

RequestId = int | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A call that ends in exactly one Result or Failure."""

    id: RequestId
    method: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """News that nobody answers."""

    method: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The good end of a request."""

    id: RequestId
    result: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The bad end of a request; without an id where the request could not be read."""

    id: RequestId | None
    code: int
    message: str
    data: Mapping[str, Any] = field(default_factory=dict)


Message = Request | Notification | Result | Failure


class ProtocolError(Exception):
    """A line that is no message; `code` is JSON-RPC's, `id` the request's where it is known."""

    def __init__(self, code: int, message: str, id: RequestId | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.id = id


def encode(message: Message) -> bytes:
    """Return a message as one line."""
    match message:
        case Request():
            body: dict[str, Any] = {"id": message.id, "method": message.method}
            body["params"] = dict(message.params)
        case Notification():
            body = {"method": message.method, "params": dict(message.params)}
        case Result():
            body = {"id": message.id, "result": message.result}
        case Failure():
            error = {"code": message.code, "message": message.message, "data": dict(message.data)}
            body = {"id": message.id, "error": error}
    return json.dumps({"jsonrpc": "2.0", **body}, ensure_ascii=True).encode("ascii") + b"\n"


def decode(line: bytes) -> Message:
    """Return the message that a line holds.

    Raises: ProtocolError where it holds none.
    """
    try:
        body = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(PARSE_ERROR, f"the line is not JSON: {error}") from error
    if not isinstance(body, dict) or body.get("jsonrpc") != "2.0":
        raise ProtocolError(
            INVALID_REQUEST, 'the line is no JSON-RPC 2.0 message ("jsonrpc": "2.0")'
        )
    id_ = body.get("id")
    if not (id_ is None or isinstance(id_, str) or type(id_) is int):
        raise ProtocolError(INVALID_REQUEST, "id is neither a whole number nor a text")
    if "method" in body:
        return _decode_call(body, id_)
    if "error" in body and isinstance(body["error"], dict):
        details = body["error"]
        code, data = details.get("code"), details.get("data")
        return Failure(
            id=id_,
            code=code if type(code) is int else INTERNAL_ERROR,
            message=str(details.get("message", "")),
            data=data if isinstance(data, dict) else {},
        )
    if "result" in body and id_ is not None:
        return Result(id=id_, result=body["result"])
    raise ProtocolError(INVALID_REQUEST, "the message has neither method, result nor error", id_)


def _decode_call(body: Mapping[str, Any], id_: RequestId | None) -> Message:
    method, params = body["method"], body.get("params", {})
    if not isinstance(method, str):
        raise ProtocolError(INVALID_REQUEST, "method is not a text", id_)
    if not isinstance(params, dict):
        raise ProtocolError(INVALID_PARAMS, "params is not an object", id_)
    if id_ is None:
        return Notification(method=method, params=params)
    return Request(id=id_, method=method, params=params)


def failure(id_: RequestId | None, error: Exception) -> Failure:
    """Return what an exception looks like on the wire."""
    match error:
        case ProtocolError():
            return Failure(id=error.id if id_ is None else id_, code=error.code, message=str(error))
        case EngineError(kind="cancelled"):
            data = {"kind": error.kind}
            return Failure(id=id_, code=REQUEST_CANCELLED, message=error.message, data=data)
        case JobError():
            problems = [problem.to_document() for problem in error.problems]
            details = {"kind": error.kind, "problems": problems}
            return Failure(id=id_, code=ENGINE_ERROR, message=str(error), data=details)
        case EngineError():
            data = {"kind": error.kind, "advice": error.advice}
            return Failure(id=id_, code=ENGINE_ERROR, message=error.message, data=data)
        case _:
            message = f"{type(error).__name__}: {error}"
            return Failure(id=id_, code=INTERNAL_ERROR, message=message, data={"kind": "internal"})


def exception(failed: Failure) -> EngineError:
    """Return the exception that `failure` put on the wire."""
    kind = str(failed.data.get("kind", "protocol"))
    problems = failed.data.get("problems")
    if isinstance(problems, list) and problems:
        return JobError(Problem.from_document(p) for p in problems if isinstance(p, dict))
    return EngineError(failed.message, kind=kind, advice=str(failed.data.get("advice", "")))


def read_lines(stream: BinaryIO) -> Iterator[bytes | ProtocolError]:
    """Yield the lines of a stream as they come, and a ProtocolError for each that is too long.

    `stream` is unbuffered (a raw pipe), so that a line is yielded as soon as it is there.
    """
    pending = bytearray()
    overlong = False
    while chunk := stream.read(_READ_BYTES):
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            pending += part
            if overlong or len(pending) > MAX_MESSAGE_BYTES:
                limit = f"the line is longer than {MAX_MESSAGE_BYTES} bytes"
                yield ProtocolError(INVALID_REQUEST, limit)
            elif pending.strip():
                yield bytes(pending)
            pending.clear()
            overlong = False
        pending += rest
        if len(pending) > MAX_MESSAGE_BYTES:
            overlong = True
            pending.clear()
    if pending.strip() or overlong:
        yield ProtocolError(PARSE_ERROR, "the stream ended in the middle of a line")
