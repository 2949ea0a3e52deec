"""Messages on the wire, and lines that are none."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.contract import protocol
from engine.contract.errors import Cancelled, EngineError, JobError, Problem
from engine.contract.protocol import (
    Failure,
    Message,
    Notification,
    ProtocolError,
    Request,
    Result,
    decode,
    encode,
    exception,
    failure,
    read_lines,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)
IDS = st.integers() | st.text()
PARAMS = st.dictionaries(st.text(), JSON, max_size=3)
MESSAGES: st.SearchStrategy[Message] = st.one_of(
    st.builds(Request, id=IDS, method=st.text(), params=PARAMS),
    st.builds(Notification, method=st.text(), params=PARAMS),
    st.builds(Result, id=IDS, result=JSON),
    st.builds(Failure, id=st.none() | IDS, code=st.integers(), message=st.text(), data=PARAMS),
)


class Pipe(io.RawIOBase):
    """Gives its bytes in pieces of the given sizes, as a pipe may."""

    def __init__(self, content: bytes, piece: int) -> None:
        self._content, self._piece = content, piece

    def read(self, size: int = -1) -> bytes:
        part, self._content = self._content[: self._piece], self._content[self._piece :]
        return part


@given(MESSAGES)
def test_a_message_survives_the_wire(message: Message) -> None:
    line = encode(message)
    assert line.count(b"\n") == 1
    assert decode(line) == message


@given(st.lists(MESSAGES, max_size=5), st.integers(1, 50))
def test_lines_are_found_however_the_pipe_cuts_them(messages: list[Message], piece: int) -> None:
    content = b"".join(encode(message) for message in messages)
    lines = list(read_lines(Pipe(content, piece)))  # type: ignore[arg-type]
    assert [decode(line) for line in lines if isinstance(line, bytes)] == messages


@given(st.binary())
def test_any_bytes_are_a_message_or_a_protocol_error(line: bytes) -> None:
    with suppress(ProtocolError):
        assert isinstance(decode(line), Message)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"nonsense", protocol.PARSE_ERROR),
        (b"\xff\xfe", protocol.PARSE_ERROR),
        (b"[" * 100_000, protocol.PARSE_ERROR),
        (b"[]", protocol.INVALID_REQUEST),
        (b'{"id": 1, "method": "x"}', protocol.INVALID_REQUEST),
        (b'{"jsonrpc": "2.0", "id": [], "method": "x"}', protocol.INVALID_REQUEST),
        (b'{"jsonrpc": "2.0", "id": true, "method": "x"}', protocol.INVALID_REQUEST),
        (b'{"jsonrpc": "2.0", "id": 1, "method": 2}', protocol.INVALID_REQUEST),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "x", "params": []}', protocol.INVALID_PARAMS),
        (b'{"jsonrpc": "2.0", "id": 1}', protocol.INVALID_REQUEST),
    ],
)
def test_what_is_no_message_says_why(line: bytes, code: int) -> None:
    with pytest.raises(ProtocolError) as caught:
        decode(line)
    assert caught.value.code == code


def test_an_endless_line_is_dropped_and_the_next_one_is_read() -> None:
    endless = b"x" * (protocol.MAX_MESSAGE_BYTES * 2)
    good = encode(Request(id=1, method="validate"))
    first, second = read_lines(Pipe(endless + b"\n" + good, 2**20))  # type: ignore[arg-type]
    assert isinstance(first, ProtocolError)
    assert second == good.rstrip()


def test_a_stream_that_ends_in_a_line_says_so() -> None:
    (only,) = read_lines(Pipe(b'{"jsonrpc"', 4))  # type: ignore[arg-type]
    assert isinstance(only, ProtocolError)


PROBLEM = Problem(field="seed", value="-1", message="-1 is negative", remedy="use 0 or more")


@pytest.mark.parametrize(
    ("error", "code", "kind"),
    [
        (JobError([PROBLEM]), protocol.ENGINE_ERROR, "job"),
        (EngineError("no", kind="model", advice="do"), protocol.ENGINE_ERROR, "model"),
        (Cancelled(), protocol.REQUEST_CANCELLED, "cancelled"),
        (RuntimeError("boom"), protocol.INTERNAL_ERROR, "internal"),
        (ProtocolError(protocol.INVALID_PARAMS, "bad"), protocol.INVALID_PARAMS, "protocol"),
    ],
)
def test_an_error_arrives_as_what_it_was(error: Exception, code: int, kind: str) -> None:
    sent = decode(encode(failure(3, error)))
    assert isinstance(sent, Failure)
    assert (sent.id, sent.code) == (3, code)
    arrived: Any = exception(sent)
    assert arrived.kind == kind
    if isinstance(error, JobError):
        assert arrived.problems == error.problems
    elif isinstance(error, EngineError):
        assert str(arrived) == str(error)
