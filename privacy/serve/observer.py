"""What the service says of itself to whoever counts (metrics) and whoever reports (events).

An observer is called from the threads that serve, between one frame and the next: it returns at once, puts what takes
time into a queue of its own that has an end, and reads its own clock. Whatever it raises is logged and changes nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol

import structlog

from privacy.cameras.camera import Preset
from privacy.errors import PrivacyError
from privacy.frame import Frame
from privacy.plan import MaskPlan, Polygon
from privacy.policy import Effect
from privacy.tracks import Hidden
from privacy.verdict import Verdict

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFacts:
    """What is known of one stream from its beginning to its end.

    Attributes:
        session: Opaque id of the stream; also in the logs and at the client.
        camera: "sites/{site}/cameras/{camera}" as the client named it.
        peer: Address of the client as gRPC writes it.
        purpose: Declared purpose; "" if none.
        policy: Name of the policy pack.
        mode: `ResponseMode` without its prefix.
        delivery: `Delivery` without its prefix.
        pixel_format: `PixelFormat` without its prefix.
        effect: In force; never below the policy's floor.
        static: Polygons that are hidden whatever is seen.
        look_behind_s: How long frames wait for the next look; 0 if they do not.
        registered: False if the server keeps a register and does not find the camera there.
        presets: What is registered of the directions that it looks in.
    """

    session: str
    camera: str
    peer: str
    purpose: str
    policy: str
    mode: str
    delivery: str
    pixel_format: str
    effect: Effect
    static: tuple[Polygon, ...]
    look_behind_s: float = 0.0
    registered: bool = True
    presets: tuple[Preset, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ptz:
    """Where a camera that moves looks, as it says itself.

    Attributes:
        pan_deg: Degrees to the right.
        tilt_deg: Degrees upwards.
        zoom: Optical zoom, 1 for none.
        preset: The preset that it stands in; "" if none.
        actor: Who moved it; "" if a tour did.
    """

    pan_deg: float = 0.0
    tilt_deg: float = 0.0
    zoom: float = 1.0
    preset: str = ""
    actor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """Wall seconds that one frame spent in each stage; `Timing` in the contract defines them."""

    queue: float = 0.0
    decode: float = 0.0
    infer: float = 0.0
    mask: float = 0.0
    encode: float = 0.0


STAGES = tuple(field.name for field in fields(Stages))
"""Their names, in the order in which a frame goes through them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """What was answered to one frame.

    Attributes:
        sequence: Its sequence number.
        verdict: What was ruled; `Reason.OVERLOAD` for frames that nobody looked at in time.
        plan: What was hidden.
        stages: Where the time went.
        exposure_frames: Frames that this stream has let through so far; `Exposure` in the contract defines it.
        exposure_s: The same in seconds of capture time.
        frame: The picture before it was masked, perhaps smaller than it came, None if it was never decoded. Whoever
            keeps it seals it: it may show a private place.
        subjects: People, faces and screens that were found and hidden, if the policy looks for them.
        ptz: Where the camera looked, if it says so.
    """

    sequence: int
    verdict: Verdict
    plan: MaskPlan
    stages: Stages
    exposure_frames: int
    exposure_s: float
    frame: Frame | None = None
    subjects: tuple[Hidden, ...] = ()
    ptz: Ptz | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One run of the model, for the pictures of one or more streams.

    Attributes:
        pictures: How many it saw together.
        waiting: How many were left in the queue when it began.
        seconds: How long it took; so far, if it hangs.
        failure: "" if it went well, otherwise the name of the exception, or "hung".
    """

    pictures: int
    waiting: int
    seconds: float
    failure: str = ""


class Observer(Protocol):
    """Hears what happens. Calls for one stream come in order: `opened`, any number of `answered`, `closed`."""

    def opened(self, stream: StreamFacts) -> None:
        """A stream was accepted."""

    def answered(self, stream: StreamFacts, answer: Answer) -> None:
        """A frame was answered."""

    def closed(self, stream: StreamFacts, error: PrivacyError | None) -> None:
        """A stream has ended: by the client, or by `error`, which an `InputError` alone lays at the client's door."""

    def refused(self, camera: str, peer: str, error: PrivacyError) -> None:
        """A stream was not accepted; `camera` is "" if its first message could not be read."""

    def looked(self, look: Look) -> None:
        """The model has run."""


class Observers:
    """Passes everything on to several observers, and keeps what they raise from those who serve.

    Args:
        observers: In the order in which they are called.
    """

    def __init__(self, observers: Sequence[Observer] = ()) -> None:
        self._observers = tuple(observers)

    def opened(self, stream: StreamFacts) -> None:
        """See `Observer.opened`."""
        self._tell(lambda each: each.opened(stream))

    def answered(self, stream: StreamFacts, answer: Answer) -> None:
        """See `Observer.answered`."""
        self._tell(lambda each: each.answered(stream, answer))

    def closed(self, stream: StreamFacts, error: PrivacyError | None) -> None:
        """See `Observer.closed`."""
        self._tell(lambda each: each.closed(stream, error))

    def refused(self, camera: str, peer: str, error: PrivacyError) -> None:
        """See `Observer.refused`."""
        self._tell(lambda each: each.refused(camera, peer, error))

    def looked(self, look: Look) -> None:
        """See `Observer.looked`."""
        self._tell(lambda each: each.looked(look))

    def _tell(self, call: Callable[[Observer], Any]) -> None:
        for observer in self._observers:
            try:
                call(observer)
            except Exception as error:  # who counts must not stop who hides; its text may quote what it was told
                log.error("observer_failed", observer=type(observer).__name__, error=type(error).__name__)
