"""What is known of one camera or reader after its events so far: the memory that rules read. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from privacy.events import (
    Anomaly,
    EffectChanged,
    Event,
    EvidenceRead,
    FramesAnomalous,
    Looked,
    MaskReduced,
    MaskRestored,
    PtzMoved,
    Registered,
    StreamClosed,
    StreamOpened,
    ViewChanged,
    ViewRestored,
)
from privacy.evidence import Reason
from privacy.verdict import State
from privacy.zones import Zone

MAX_LOOK_GAP_S = 3.0
"""Between two prohibited looks farther apart than this nobody knows what was seen: the time is not counted."""
SET_BACK_S = 60.0
"""Events come a little out of order; one that is so much older than the last comes from a clock that was set back."""
MAX_LEAD_S = 600.0
"""So far a camera's time may be ahead of the server's, for example that of a file that is streamed faster than it was
taken. What comes from still later is taken for this."""
LONG_BACK_S = MAX_LEAD_S + SET_BACK_S
"""What is so much older than the last event is no stream beside one that is ahead: the server's clock was set back."""
MAX_REMEMBERED = 512
"""Anomalies and reads that are remembered; an attacker who makes more is long reported."""
MAX_FLOORS = 32
MEMORY_S = 7200.0
"""How long anomalies and reads are remembered."""


@dataclass(frozen=True, slots=True)
class Spell:
    """A continuing sight.

    Attributes:
        start: When it began, in seconds since 1970-01-01 UTC.
        until: When it was last seen.
        seconds: How long it was really seen, in seconds; pauses between are not counted.
        zones: How many looks named each zone.
        p: Highest probability over time within it.
        objects: Highest probability of each object within it.
        place: The kind of place that was last named.
        masked_since: Since when the view has been hidden; None while it is not.
        exposure_frames: Frames that left clear and may have shown it.
        exposure_s: How long they did, in seconds.
    """

    start: float
    until: float
    seconds: float = 0.0
    zones: Mapping[Zone, int] = field(default_factory=dict)
    p: float = 0.0
    objects: Mapping[str, float] = field(default_factory=dict)
    place: str = ""
    masked_since: float | None = None
    exposure_frames: int = 0
    exposure_s: float = 0.0

    @property
    def zone(self) -> Zone | None:
        """The zone that was named most often; of two, the one named first."""
        return max(self.zones, key=lambda zone: self.zones[zone]) if self.zones else None


@dataclass(frozen=True, slots=True)
class Silence:
    """A stream that went silent after it had shown a prohibited place.

    Attributes:
        sight: What it had shown.
        start: When it went silent.
        end: When it came back; None while it is silent.
        clear_at: When it was first ruled CLEAR after it came back.
    """

    sight: Spell
    start: float
    end: float | None = None
    clear_at: float | None = None

    def earlier(self, seconds: float) -> "Silence":
        """Return the same, so many seconds longer ago."""
        return Silence(
            replace(self.sight, until=self.sight.until - seconds),
            self.start - seconds,
            None if self.end is None else self.end - seconds,
            None if self.clear_at is None else self.clear_at - seconds,
        )


@dataclass(frozen=True, slots=True)
class BrokenOff:
    """What a stream was at when it ended: a camera could else keep it short by breaking off again and again.

    Attributes:
        at: When it ended.
        unregistered_at: See `Scene`.
        sight: See `Scene`.
    """

    at: float
    unregistered_at: float | None
    sight: Spell | None


@dataclass(frozen=True, slots=True)
class Scene:
    """What is known of one subject. `after` is the only thing that makes another.

    Attributes:
        subject: The camera, or "users/{user}".
        settle_s: A camera whose stream is back within so many seconds goes on with what it did before.
        at: Time of the last event.
        opened_at: When the stream began; None while there is none.
        purpose: Declared purpose; "" if none.
        unregistered_at: Since when the camera streams and stands in no register; None if it does neither.
        sight: The prohibited place that is being seen.
        last_sight: The prohibited place that was seen last, whether it still is or not.
        screens: Displays and papers that are being dwelt upon, by the share of the picture they fill at least.
        place: The kind of place that the last look named; "" if it named none.
        view: How the registered view changed, until it is restored.
        moved: The last time that the camera was moved or zoomed; of several within one sight the first.
        reduced: How the mask was made to hide less, until it is restored.
        silence: The last silence after a prohibited sight.
        held: All `Looked.held_s` so far: seconds of the camera's clock that the times of its events lack.
        anomalies: What was wrong with frames lately, the oldest first, each with what `held` was then.
        reads: What evidence was read lately, in the order in which it was heard of.
        read: The read that has just come; None after anything else. It may be older than `at`.
        broken_off: What the last stream was at when it ended.
    """

    subject: str
    settle_s: float = 0.0
    at: float = 0.0
    opened_at: float | None = None
    purpose: str = ""
    unregistered_at: float | None = None
    sight: Spell | None = None
    last_sight: Spell | None = None
    screens: tuple[tuple[float, float], ...] = ()
    place: str = ""
    view: ViewChanged | None = None
    moved: PtzMoved | None = None
    reduced: MaskReduced | EffectChanged | None = None
    silence: Silence | None = None
    held: float = 0.0
    anomalies: tuple[tuple[FramesAnomalous, float], ...] = ()
    reads: tuple[EvidenceRead, ...] = ()
    read: EvidenceRead | None = None
    broken_off: BrokenOff | None = None

    def after(self, event: Event) -> "Scene":  # noqa: C901, PLR0911, PLR0912 - one case for each event
        """Return what is known once `event` has happened too."""
        before = self._set_back(event.at) if self.at - event.at > LONG_BACK_S else self
        at = event.at if before.at - event.at > SET_BACK_S else max(before.at, event.at)
        scene = replace(before, at=at, read=None)
        match event:
            case Looked():
                return scene._gone_on(event.held_s)._looked(event)  # noqa: SLF001 - of this class
            case StreamOpened():
                silence = scene.silence
                if silence is not None and silence.end is None:
                    silence = replace(silence, end=event.at)
                ended = scene._broken_off_by(event.at)  # noqa: SLF001 - of this class
                since = event.at if ended is None or ended.unregistered_at is None else ended.unregistered_at
                return replace(
                    scene,
                    opened_at=event.at,
                    purpose=event.purpose,
                    unregistered_at=None if event.registered else since,
                    silence=silence,
                )
            case StreamClosed():
                silence = None if event.orderly else scene._silent_since(event.at)  # noqa: SLF001 - of this class
                ended = scene._broken_off_by(event.at)  # noqa: SLF001 - of this class
                sight = scene.sight or (None if ended is None else ended.sight)
                return replace(
                    scene,
                    opened_at=None,
                    unregistered_at=None,
                    sight=None,
                    place="",
                    screens=(),
                    silence=silence,
                    broken_off=BrokenOff(event.at, scene.unregistered_at, sight),
                )
            case Registered():
                streams_unknown = scene.opened_at is not None and not event.known
                ended = scene.broken_off
                return replace(
                    scene,
                    unregistered_at=event.at if streams_unknown else None,
                    broken_off=None if ended is None else replace(ended, unregistered_at=None),
                )
            case ViewChanged():
                return scene if event.approved else replace(scene, view=scene.view or event)
            case ViewRestored():
                return replace(scene, view=None)
            case PtzMoved():
                within = scene.sight is not None and scene.moved is not None and scene.moved.at >= scene.sight.start
                return scene if within else replace(scene, moved=event)
            case MaskReduced():
                return scene if event.approval else replace(scene, reduced=scene.reduced or event)
            case EffectChanged():
                return scene if event.approval or not event.weaker else replace(scene, reduced=scene.reduced or event)
            case MaskRestored():
                return replace(scene, reduced=None)
            case FramesAnomalous():
                return scene._anomalous(event)  # noqa: SLF001 - of this class
            case EvidenceRead():
                recent = tuple(read for read in scene.reads if event.at - read.at <= MEMORY_S)
                return replace(scene, reads=(*recent, event)[-MAX_REMEMBERED:], read=event)
        return scene

    def _set_back(self, at: float) -> "Scene":
        """Return what still holds once the clock is set back to `at`: what goes on does so since then.

        What was only remembered is forgotten: by the right clock nobody knows how long ago it was.
        """
        return replace(
            self,
            at=at,
            opened_at=None if self.opened_at is None else at,
            unregistered_at=None if self.unregistered_at is None else at,
            sight=None,
            last_sight=None,
            screens=(),
            view=None if self.view is None else replace(self.view, at=at, since=None),
            moved=None,
            reduced=None if self.reduced is None else replace(self.reduced, at=at),
            silence=None,
            anomalies=(),
            reads=(),
            broken_off=None,
        )

    def _gone_on(self, seconds: float) -> "Scene":
        """Return what is known once the camera's clock has gone on by so much more than the times of its events.

        What is counted within a window or for a duration is so much longer ago; else hours of a file would be minutes.
        """
        if seconds <= 0:
            return self
        last, moved = self.last_sight, self.moved
        if moved is not None and self.sight is None:  # else it is within the sight, and both are as they were
            moved = replace(moved, at=moved.at - seconds)
        silence = self.silence
        if silence is not None and silence.end is not None and silence.clear_at is None:  # nobody has been told of it
            silence = silence.earlier(seconds)
        return replace(
            self,
            moved=moved,
            silence=silence,
            last_sight=None if last is None else replace(last, until=last.until - seconds),
            screens=tuple((share, since - seconds) for share, since in self.screens),
            held=self.held + seconds,
        )

    def _looked(self, event: Looked) -> "Scene":
        state = event.verdict.state
        if event.verdict.reason is Reason.VIEW_CHANGED and state is State.UNCERTAIN:
            state = State.CLEAR  # hidden for what it was, not for what it is: the model finds nothing prohibited in it
        sight, before = self.sight, self.broken_off
        if state is State.PROHIBITED:
            within = self._broken_off_by(event.at)
            sight = _seen(sight or (None if within is None else within.sight), event)
        elif state is State.CLEAR:
            sight = None
        if state is not State.UNCERTAIN and before is not None:
            before = replace(before, sight=None)  # it goes on by now, or was seen to have ended
        silence = self.silence
        if state is State.CLEAR and silence is not None and silence.end is not None and silence.clear_at is None:
            silence = replace(silence, clear_at=event.at)
        # For each share, since when the screens have filled at least that much; ascending in both.
        floors = [(share, since) for share, since in self.screens if share <= event.screens]
        higher = [since for share, since in self.screens if share > event.screens]
        if event.screens > 0 and (not floors or floors[-1][0] < event.screens):
            floors.append((event.screens, higher[0] if higher else event.at))
        return replace(
            self,
            sight=sight,
            last_sight=sight or self.last_sight,
            place=event.verdict.place,
            screens=tuple(floors[-MAX_FLOORS:]),
            silence=silence,
            broken_off=before,
        )

    def _broken_off_by(self, at: float) -> BrokenOff | None:
        """Return what the last stream was at, if at that moment it still goes on."""
        before = self.broken_off
        return before if before is not None and at - before.at <= self.settle_s else None

    def _silent_since(self, at: float) -> Silence | None:
        return None if self.last_sight is None else Silence(self.last_sight, at)

    def _anomalous(self, event: FramesAnomalous) -> "Scene":
        recent = tuple(one for one in self.anomalies if event.at - one[0].at <= MEMORY_S)
        scene = replace(self, anomalies=(*recent, (event, self.held))[-MAX_REMEMBERED:])
        if event.anomaly is not Anomaly.TIME_GAP or self.last_sight is None:
            return scene
        return replace(scene, sight=None, silence=Silence(self.last_sight, event.at - event.seconds, event.at))

    def anomalies_within(self, seconds: float) -> list[FramesAnomalous]:
        """Return what was wrong with frames in the last seconds by the camera's clock, the oldest first."""
        now = self.at + self.held
        return [one for one, held in self.anomalies if now - (one.at + held) <= seconds]

    def screens_since(self, share: float) -> float | None:
        """Return since when displays and papers have filled at least `share` of the picture; None if they do not."""
        times = [since for floor, since in self.screens if floor >= share]
        return min(times) if times else None


def _seen(sight: Spell | None, event: Looked) -> Spell:
    verdict = event.verdict
    if sight is None:
        sight = Spell(event.at, event.at)
    gap = event.at - sight.until + event.held_s
    zones, objects = Counter(sight.zones), dict(sight.objects)
    if verdict.zone is not None:
        zones[verdict.zone] += 1
    for name, p in event.objects.items():
        objects[name] = max(p, objects.get(name, 0.0))
    return replace(
        sight,
        until=max(sight.until, event.at),
        seconds=sight.seconds + (gap if 0 < gap <= MAX_LOOK_GAP_S else 0.0),
        zones=dict(zones),
        p=max(sight.p, verdict.p_prohibited),
        objects=objects,
        place=verdict.place or sight.place,
        masked_since=(sight.masked_since or event.at) if event.masked else None,
        exposure_frames=max(sight.exposure_frames, event.exposure_frames),
        exposure_s=max(sight.exposure_s, event.exposure_s),
    )
