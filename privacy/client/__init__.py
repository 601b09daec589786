"""What a plugin author imports: pictures in, what may be shown out.

    from privacy.client import EnforcementClient, StreamOptions
    from privacy.sources.video import VideoSource

    with EnforcementClient("127.0.0.1:50051") as client, VideoSource("lobby.mp4") as video:
        for shown in client.enforce(video, StreamOptions(camera="sites/hq/cameras/lobby")):
            display(shown.picture)

A stream that breaks never raises while frames are flowing: every frame that was not answered comes out hidden, and so
does every later one until a new stream answers. `AsyncEnforcementClient` is the same for asyncio.
"""

from privacy.client.aio import AsyncEnforcementClient
from privacy.client.pictures import (
    Classified,
    Codec,
    Delivery,
    Enforced,
    Jpeg,
    Mode,
    RefusedError,
    Shown,
    StreamOptions,
    Unit,
)
from privacy.client.sync import EnforcementClient
from privacy.client.wire import EVERYTHING

__all__ = [
    "EVERYTHING",
    "AsyncEnforcementClient",
    "Classified",
    "Codec",
    "Delivery",
    "Enforced",
    "EnforcementClient",
    "Jpeg",
    "Mode",
    "RefusedError",
    "Shown",
    "StreamOptions",
    "Unit",
]
