"""What happens to cameras and to their evidence: the typed stream that the rules of misuse read. Pure.

An event says what was seen or done, never what it means: meaning is the rules' (`privacy.reports.rules`).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from privacy.errors import EventError
from privacy.policy import Effect, EffectKind
from privacy.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened.

    Attributes:
        subject: Whom it is about: "sites/{site}/cameras/{camera}" or, for readers of evidence, "users/{user}".
        at: When, in seconds since 1970-01-01 UTC.

    Raises:
        EventError: No subject, or a time that is none.
    """

    subject: str
    at: float

    def __post_init__(self) -> None:
        if not self.subject or not math.isfinite(self.at):
            raise EventError(f"an event has a subject and a finite time, got {self.subject!r} at {self.at}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOpened(Event):
    """A camera's stream began.

    Attributes:
        purpose: Declared purpose (Art. 6) as the pack names it; "" if none was declared.
        registered: False if the register does not know the camera.
    """

    purpose: str = ""
    registered: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamClosed(Event):
    """A camera's stream ended, or no frame has come for so long that it counts as ended.

    Attributes:
        orderly: True if the server itself ended it (it stopped, failed, or no longer took the token): nobody went
            silent. A client whose message is wrong has ended it by that.
    """

    orderly: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked(Event):
    """A frame was looked at and ruled upon. Frames that inherit their verdict are no events.

    Attributes:
        verdict: The ruling.
        objects: Probability in [0, 1] of each kind of object seen.
        screens: Share of the picture that shows displays and papers, in [0, 1].
        masked: True if the frame left hidden as a whole.
        exposure_frames: Frames of the stream that left clear and may have shown a prohibited place, so far.
        exposure_s: How long they did, in seconds.
        held_s: Seconds since the look before, by the camera's clock, that `at` lacks: it was as far ahead as it may be.
    """

    verdict: Verdict
    objects: Mapping[str, float] = field(default_factory=dict)
    screens: float = 0.0
    masked: bool = True
    exposure_frames: int = 0
    exposure_s: float = 0.0
    held_s: float = 0.0


class MaskChange(StrEnum):
    """How a mask was made to hide less."""

    LIFTED = "LIFTED"
    """For a while, by hand."""
    DISABLED = "DISABLED"
    """Until further notice."""
    REGION_REMOVED = "REGION_REMOVED"
    """A privacy polygon went away or became smaller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskReduced(Event):
    """Less is hidden than before.

    Attributes:
        change: How.
        actor: Who did it.
        approval: Number of the document that allows it; "" if there is none.
    """

    change: MaskChange
    actor: str
    approval: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectChanged(Event):
    """What is hidden looks otherwise than before.

    Attributes:
        before: The effect until now.
        after: The effect from now on.
        actor: Who did it.
        approval: Number of the document that allows it; "" if there is none.
    """

    before: Effect
    after: Effect
    actor: str
    approval: str = ""

    @property
    def weaker(self) -> bool:
        """True if more can be made out after it than before. Solid leaves nothing; nothing is weaker than itself."""
        if self.after.kind is EffectKind.SOLID:
            return False
        return self.before.kind is EffectKind.SOLID or self.after.strength < self.before.strength


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskRestored(Event):
    """As much is hidden again as before it was reduced."""


class ViewChange(StrEnum):
    """What became of a registered view."""

    TURNED = "TURNED"
    """It shows another direction."""
    ZOOMED = "ZOOMED"
    """It shows the same direction, nearer or farther."""
    MOVED = "MOVED"
    """It shows another place: nothing of the registered view is found in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewChanged(Event):
    """The fingerprint of the view is no longer the registered one.

    Attributes:
        change: How.
        shift: How far the centre went, as a share of the picture's width; infinite if nothing is found again.
        zoom: Scale against the registered view; 1 if it is the same or unknown.
        approved: True if the change was announced and approved (maintenance, a registered preset).
        since: When the registered view was last seen, in seconds since 1970-01-01 UTC; None if at `at`.
    """

    change: ViewChange
    shift: float = math.inf
    zoom: float = 1.0
    approved: bool = False
    since: float | None = None

    @property
    def begun(self) -> float:
        """The earliest moment at which it may have changed."""
        return self.at if self.since is None else min(self.since, self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewRestored(Event):
    """The camera shows its registered view again, or the new view was approved.

    Attributes:
        actor: Who approved it; "" if it is the registered view that is shown again.
        purpose: Why it may be trusted.
        preset: Which view.
        watched: True if a fingerprint of it is kept, with which the camera is compared from now on.
    """

    actor: str = ""
    purpose: str = ""
    preset: str = ""
    watched: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PtzMoved(Event):
    """Somebody, or a tour, turned or zoomed the camera.

    Attributes:
        actor: Who; "" if a preset tour did.
        zoom: Optical zoom from now on, 1 for none.
    """

    actor: str = ""
    zoom: float = 1.0


class Anomaly(StrEnum):
    """What is wrong with the frames of a stream."""

    SEQUENCE_GAP = "SEQUENCE_GAP"
    """Sequence numbers were left out."""
    TIME_GAP = "TIME_GAP"
    """Capture time leapt ahead."""
    TIME_REVERSED = "TIME_REVERSED"
    """Capture time ran backwards."""
    DUPLICATE = "DUPLICATE"
    """The content of earlier frames came again under new sequence numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FramesAnomalous(Event):
    """Frames are missing, or are not what a live camera sends.

    Attributes:
        anomaly: What is wrong.
        frames: How many frames it touches; at least 1.
        seconds: How much capture time it touches.
    """

    anomaly: Anomaly
    frames: int = 1
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRead(Event):
    """Somebody asked for evidence. `subject` is the reader.

    Attributes:
        report: Name of the report.
        camera: The camera that the evidence shows.
        purpose: What for, as registered (Art. 18(3)); "" if nothing was said.
        granted: False if it was refused.
    """

    report: str
    camera: str = ""
    purpose: str = ""
    granted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigChanged(Event):
    """A setting of a site, of a camera or of the service was changed.

    Attributes:
        setting: Which, for example "declared_purpose" or "policy".
        before: Its value; never a secret.
        after: Its new value; never a secret.
        actor: Who did it.
        purpose: What for; "" if nobody said.
    """

    setting: str
    before: str
    after: str
    actor: str
    purpose: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered(Event):
    """A site or camera was put into the register, or taken out of it.

    Attributes:
        known: True if it stands in the register from now on.
        actor: Who did it.
        purpose: What for; "" if nobody said.
    """

    known: bool
    actor: str
    purpose: str = ""
