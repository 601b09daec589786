"""What a client gives and gets: pictures, options, answers."""

from dataclasses import dataclass, field
from enum import StrEnum

from privacy.errors import InputError
from privacy.frame import Frame
from privacy.plan import MaskPlan, Polygon
from privacy.policy import Effect
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.verdict import Verdict
from privacy.zones import Zone


class RefusedError(InputError):
    """The server will not take this stream or picture, and would not the next time either."""

    reason = "REFUSED"


class Mode(StrEnum):
    """What the server sends beside the verdict; what comes out of `enforce` is masked in every mode."""

    VERDICT = "VERDICT"
    """Nothing. Least traffic; this client hides whole frames and its static zones."""
    MASK_GEOMETRY = "MASK_GEOMETRY"
    """Polygons, painted by this client."""
    MASKED_FRAME = "MASKED_FRAME"
    """The picture, painted by the server."""


class Delivery(StrEnum):
    """What the server does with frames that come too fast."""

    EVERY_FRAME = "EVERY_FRAME"
    LATEST = "LATEST"


@dataclass(frozen=True, slots=True)
class Jpeg:
    """One picture of a camera that sends JPEG.

    Attributes:
        data: The file.
        offset: Capture time in seconds from the start of the source.
    """

    data: bytes = field(repr=False)
    offset: float


class Codec(StrEnum):
    """Video codecs whose access units can be sent as they come from the camera."""

    H264 = "H264"
    H265 = "H265"


@dataclass(frozen=True, slots=True)
class Unit:
    """One access unit of a camera that sends video; see `PixelFormat` in the contract for what it must hold.

    What comes out for it is itself if it may be shown as it is, else a JPEG: painted by the server in
    `Mode.MASKED_FRAME`, black in the other modes, for nothing can be painted into a unit.

    Attributes:
        data: Annex B byte stream.
        offset: Capture time in seconds from the start of the source.
        codec: H.264 or H.265.
        after_loss: True if units before this one were lost: nothing is shown until a key frame.
    """

    data: bytes = field(repr=False)
    offset: float
    codec: Codec = Codec.H264
    after_loss: bool = False


Shown = Frame | Jpeg | Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOptions:
    """What a stream asks for; see `StreamConfig` in the contract.

    Attributes:
        camera: "sites/{site}/cameras/{camera}".
        mode: What the server sends.
        delivery: What happens to frames that come too fast.
        policy: Name of a policy pack; "" for the server's default.
        model: Name of a model; "" for the server's default.
        purpose: Declared purpose of the camera; "" if none.
        static: Polygons that are hidden whatever is seen.
        effect: An effect instead of the policy's.
        look_behind_s: Results wait this long for the server's next look, so that nothing leaves that was not looked at.
            Pictures must come at the rate of the camera.
        shared_memory: Let pictures pass through memory that is shared with the server, if it offers that: it has to run
            on this machine, as this user.
        in_flight: Frames that may wait for an answer; 0 for as many as the server allows. A live view wants 1: each
            frame comes out as soon as it is answered, not when the next one is there.
        answer_timeout_s: A server that owes an answer for longer is taken for lost.
        open_timeout_s: The same, for the answer to the first message.

    Raises:
        InputError: `in_flight` is set although answers wait for the pictures that follow.
    """

    camera: str
    mode: Mode = Mode.MASK_GEOMETRY
    delivery: Delivery = Delivery.EVERY_FRAME
    policy: str = ""
    model: str = ""
    purpose: str = ""
    static: tuple[Polygon, ...] = ()
    effect: Effect | None = None
    look_behind_s: float = 0.0
    shared_memory: bool = False
    in_flight: int = 0
    answer_timeout_s: float = 5.0
    open_timeout_s: float = 10.0

    def __post_init__(self) -> None:
        if self.look_behind_s > 0 and self.in_flight > 0:
            raise InputError("with look-behind an answer waits for later pictures: leave in_flight at 0")


@dataclass(frozen=True, slots=True, eq=False)
class Enforced:
    """What may be done with one frame.

    Attributes:
        picture: What may be shown, of the kind and size that was given; for a `Unit` see there.
        verdict: What was ruled; `Reason.CONNECTION_LOST` if nobody ruled.
        plan: What is hidden in `picture`.
        result: The server's message; None if there was none.
    """

    picture: Shown
    verdict: Verdict
    plan: MaskPlan
    result: pb.FrameResult | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Classified:
    """What the server says of a single picture.

    Attributes:
        verdict: What is ruled.
        zones: Probability of each zone; empty if the model failed.
        response: The server's message.
    """

    verdict: Verdict
    zones: dict[Zone, float]
    response: pb.ClassifyFrameResponse
