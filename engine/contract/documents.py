"""JSON texts as documents."""

from __future__ import annotations

import json
from typing import Any

from .errors import JobError
from .findings import Findings
from .kinds import Complaint


class _RepeatedKeyError(ValueError):
    pass


def _distinct_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise _RepeatedKeyError(f"the key {repeated!r} stands twice in one place")
    return document


def parse_json(text: str | bytes) -> object:
    """Return the document that a JSON text holds.

    Raises: JobError where the text is no JSON, or gives a key twice.
    """
    try:
        return json.loads(text, object_pairs_hook=_distinct_keys)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        complaint = Complaint(f"the file is not JSON: {error.msg} ({where})", "mend it there")
    except _RepeatedKeyError as error:
        complaint = Complaint(str(error), "keep one of them")
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        complaint = Complaint(f"the file is not JSON: {error}", "save it as UTF-8 text")
    findings = Findings()
    findings.complain("", None, complaint)
    raise JobError(findings.problems)
