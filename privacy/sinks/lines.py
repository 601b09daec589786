"""Reports as JSON lines: one object a line, so that a reader may follow while it grows."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from privacy.errors import SinkError
from privacy.pipeline import Outcome
from privacy.policy import Subject


class LinesSink:
    """Writes one JSON object a line, UTF-8.

    Args:
        path: The file.
        overwrite: Replace an existing file.

    Raises:
        SinkError: The file exists or cannot be written.
    """

    def __init__(self, path: str | Path, *, overwrite: bool = False) -> None:
        self.path = Path(path)
        try:
            self._file = self.path.open("w" if overwrite else "x", encoding="utf-8", newline="\n")
        except OSError as error:
            raise self._error(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, entry: Mapping[str, Any]) -> None:
        """Add one line.

        Raises:
            SinkError: It cannot be written.
        """
        try:
            self._file.write(json.dumps(entry, ensure_ascii=False, allow_nan=False) + "\n")
        except OSError as error:
            raise self._error(error) from error

    def close(self) -> None:
        """Write what is still buffered.

        Raises:
            SinkError: It cannot be written.
        """
        try:
            self._file.close()
        except OSError as error:
            raise self._error(error) from error

    def _error(self, error: OSError) -> SinkError:
        return SinkError(f"{self.path}: cannot be written: {error.strerror}", sink=str(self.path))


def line_of(outcome: Outcome) -> dict[str, Any]:
    """Return what a report says of one frame. It holds no pixels."""
    verdict = outcome.verdict
    return {
        "sequence": outcome.frame.sequence,
        "offset": round(verdict.offset, 6),
        "state": verdict.state.value,
        "reason": verdict.reason.value,
        "zone": None if verdict.zone is None else verdict.zone.slug,
        "p_prohibited": round(verdict.p_prohibited, 4),
        "place": verdict.place,
        "clauses": [clause.citation for clause in verdict.clauses],
        "inherited": verdict.inherited,
        "masked": "whole" if outcome.plan.hides_everything else "part" if outcome.plan.regions else "none",
        **{subject.value: sum(one.subject is subject for one in outcome.subjects) for subject in Subject},
    }
