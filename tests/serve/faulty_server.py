"""A server process in which one thing never comes back: `python faulty_server.py model|decoder`."""

import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privacy import jpeg
from privacy.evidence import Evidence
from privacy.models import catalogue
from privacy.serve.server import Settings, run
from privacy.serve.servicer import Engine
from tests.toys import Bright

GRACE_S, EXIT_AFTER_S = 1.0, 3.0


class Hanging(Bright):
    """Works for black pictures, which are those of the warm-up, and for no other."""

    def look(self, images: Sequence[NDArray[np.uint8]], offsets: Sequence[float]) -> list[Evidence]:
        if any(image.any() for image in images):
            time.sleep(10_000)
        return super().look(images, offsets)


def hang(*_: Any, **__: Any) -> Any:
    time.sleep(10_000)


def main(what: str) -> None:
    if what == "decoder":
        jpeg.read = hang
    engine = Engine(model=Hanging() if what == "model" else Bright(), digest="", policy=catalogue.load_policy())
    settings = Settings(address="127.0.0.1:0", grace_s=GRACE_S)
    run(engine, settings, lambda address: print("listening on", address, flush=True), exit_after_s=EXIT_AFTER_S)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])
