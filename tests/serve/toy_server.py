"""The service over the toy classifier, in a process of its own: `python -m tests.serve.toy_server HOST:PORT`."""

import sys

from privacy.models import catalogue
from privacy.serve.server import Settings, run
from privacy.serve.servicer import Engine
from tests.toys import Bright

if __name__ == "__main__":
    engine = Engine(
        model=Bright(), digest="", policy=catalogue.load_policy(), max_streams=64, shared_memory_bytes=2**26
    )
    settings = Settings(address=sys.argv[1], grace_s=1, keepalive_s=1)
    run(engine, settings, lambda address: print("listening on", address, flush=True), exit_after_s=5)  # noqa: T201
