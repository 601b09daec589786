"""`python -m privacy.training --data ../shared/corpus --out runs`: make the shipped zone model again."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from rich.logging import RichHandler
from rich.progress import Progress, TimeElapsedColumn, TimeRemainingColumn

from privacy.errors import PrivacyError
from privacy.training import ship


def main(arguments: list[str] | None = None) -> int:
    """Train, calibrate, export. Exits 0, or 2 if the corpus cannot be read."""
    parser = argparse.ArgumentParser(prog="privacy.training", description=ship.__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", type=Path, default=os.environ.get("PRIVACY_DATA"), help="folder of the corpus")
    parser.add_argument("--out", type=Path, required=True, help="shards and checkpoints; a run found here is resumed")
    parser.add_argument("--weights", type=Path, default=Path("privacy/models/weights"), help="where the files go")
    asked = parser.parse_args(arguments)
    if asked.data is None:
        parser.error("give --data or set PRIVACY_DATA")
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[RichHandler(show_path=False)])
    for chatty in ("onnxscript", "onnx_ir", "torch.onnx"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    with Progress(*Progress.get_default_columns()[:3], TimeElapsedColumn(), TimeRemainingColumn()) as bars:
        bar = bars.add_task("training", total=None)

        def show(done: int, total: int, line: str) -> None:
            bars.update(bar, completed=done, total=total, description=line)

        try:
            digests = ship.make(ship.recipe(asked.data, asked.out, weights=asked.weights), show)
        except PrivacyError as error:
            logging.getLogger(__name__).error("%s", error)  # the message says it all
            return 2
    for name, digest in digests.items():
        sys.stdout.write(f"{digest}  {name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
