"""What a receiver reads: one JSON document for each change. It holds no pictures, masked or not: they are fetched."""

import json
from typing import Any

from privacy.reports.report import Change

SCHEMA = "privacy.report.v1"


def document(change: Change) -> dict[str, Any]:
    """Return a change as what JSON can hold."""
    return {
        "schema": SCHEMA,
        "type": change.kind.value.lower(),
        "idempotency_key": change.key,
        "offset": change.offset,
        "report": {"name": change.report.name, **change.report.to_json()},
    }


def body(change: Change) -> bytes:
    """Return it in UTF-8."""
    return json.dumps(document(change), ensure_ascii=False, sort_keys=True, allow_nan=False).encode()
