"""The rules as data: which zone falls under which article, and what the system must then do."""

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Any

from privacy.errors import EffectTooWeakError, PolicyError
from privacy.zones import PROHIBITED, Zone

DEFAULT = "guangdong"
MAX_HOLD_S = 60.0
"""Longest time that a subject is hidden beyond its sights; what is remembered has to have an end."""
MAX_TILES = 64
HEADS_SCORE = 0.15
TILES: Mapping[str, float] = {"carry_s": 1.5, "tiles": 6, "tiles_every_s": 1.0, "tiles_rest_s": 1.0}
"""Of a pack that was written before there were any."""
MIN_RETAIN_DAYS = 731
"""Two years (Guangdong Decree 132 Art. 18(5)), a leap day among them. A pack may ask for more, never for less."""
MAX_UTC_OFFSET_H = 14.0
RELEASE_BELOW = 0.5
"""Even odds: a feed that was ruled PROHIBITED stays so while a prohibited place is likelier than none (hysteresis).

Calibration leaves [0.4, 0.6] UNCERTAIN whatever the target, so it lies between the other two thresholds of every model.
"""


class EffectKind(StrEnum):
    """How a hidden region looks."""

    SOLID = "solid"
    """One constant colour. The only one that leaves nothing behind."""
    PIXELATE = "pixelate"
    BLUR = "blur"


@dataclass(frozen=True, slots=True)
class Effect:
    """An effect and how strong it is.

    Attributes:
        kind: The effect.
        strength: Side of a cell or kernel as a share of the frame's shorter side, in (0, 1]; ignored by `SOLID`.
    """

    kind: EffectKind = EffectKind.SOLID
    strength: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.strength <= 1:
            raise EffectTooWeakError(f"strength must be in (0, 1], got {self.strength}", strength=self.strength)


@dataclass(frozen=True, slots=True)
class Clause:
    """One article as it is cited.

    Attributes:
        citation: Law and article, for example "Guangdong Decree 132 Art. 7".
        zh: The wording of the law; empty where it was not checked against the source.
        en: A summary in English.
    """

    citation: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class ZoneRule:
    """What the law says of one zone.

    Attributes:
        zone: The prohibited zone.
        zh: What the law calls it.
        clauses: The articles that prohibit it.
        consequences: The articles that say what follows.
    """

    zone: Zone
    zh: str
    clauses: tuple[Clause, ...]
    consequences: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Probabilities of a prohibited place that part the three states; see the pack for their meaning."""

    clear_below: float
    prohibited_above: float
    release_below: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Thresholds of one model that meet one pair of targets on pictures it had not seen.

    Attributes:
        miss: Of single prohibited pictures, at most this share comes out CLEAR.
        false_alarm: Of single permitted pictures, at most this share comes out PROHIBITED.
        clear_below: CLEAR at this probability and below.
        prohibited_above: PROHIBITED at this probability and above.
        miss_bounds: Upper 95 % confidence bound on the share of each zone's pictures that comes out CLEAR, by the name
            of the zone; empty if nobody measured it.
    """

    miss: float
    false_alarm: float
    clear_below: float
    prohibited_above: float
    miss_bounds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Targets:
    """What a policy asks of a model; its thresholds follow once the model is known.

    Attributes:
        miss: As in `Calibration`, in (0, 1).
        false_alarm: The same.
        uncalibrated: Thresholds for a model of which nobody has measured where it meets any target.
    """

    miss: float
    false_alarm: float
    uncalibrated: Thresholds


@dataclass(frozen=True, slots=True)
class Timing:
    """Everything about time, in seconds unless the name says otherwise; see the pack for each meaning."""

    look_every_s: float
    look_again_s: float
    scene_change: float
    opening_looks: int
    hold_s: float
    stall_s: float
    clock_jump_s: float
    dwell_permitted_s: float
    dwell_prohibited_s: float
    report_after_s: float


class Subject(StrEnum):
    """What is hidden within a permitted view, wherever it goes."""

    PEOPLE = "people"
    FACES = "faces"
    HEADS = "heads"
    """Of people whose face nobody found: turned away, or too small to be told."""
    SCREENS = "screens"
    """Displays and papers: what is written on them may be nobody else's business."""


@dataclass(frozen=True, slots=True)
class Subjects:
    """What is hidden within permitted views, and how it is followed; see the pack for the meaning of each number.

    Attributes:
        hidden: What the policy hides of itself; a user may ask for more, never for less.
        scores: Score from which a detection counts, for every subject.
        margin: Added on every side, as a share of a box's own width and height.
        growth: Added to `margin` for each second between a moment and the nearest sight.
        hold_s: How long a subject that is not seen is still hidden, and how long before it was first seen.
        detect_every_s: Frames nearer to the last detection than this are not looked at; 0 for none. Only where frames
            wait so long: who comes in between two looks is hidden in hindsight.
        carry_s: How long a subject that is not seen is still hidden if its pixels can be followed.
        tiles: Parts of a picture that are looked at large, by turns; 0 for none, and the whole small picture only.
        tiles_every_s: Within so long, each part that shows something new has had its turn; or as long as frames wait.
        tiles_rest_s: And each that shows what it showed at its last turn, wherever that moved with the camera; but
            within half again as long as frames wait, or `tiles_every_s` if that is longer.
    """

    hidden: frozenset[Subject]
    scores: Mapping[Subject, float]
    margin: float
    growth: float
    hold_s: float
    detect_every_s: float
    carry_s: float
    tiles_every_s: float
    tiles_rest_s: float
    tiles: int


@dataclass(frozen=True, slots=True)
class Openings:
    """Whether a prohibited place that shows through an opening hides the opening only; see the pack for the numbers."""

    follow: bool = False
    cell_above: float = 0.2
    grow: int = 1
    most: float = 0.6


class Severity(StrEnum):
    """How grave a report is."""

    LOW = "LOW"
    """To be looked at some day."""
    MEDIUM = "MEDIUM"
    """To be looked at today."""
    HIGH = "HIGH"
    """To be looked at now."""
    CRITICAL = "CRITICAL"
    """To be looked at now, and reported to the authority at once."""


@dataclass(frozen=True, slots=True)
class MisuseRule:
    """What the pack says of one rule of misuse; what the rule looks for stands in `privacy.reports.rules`.

    Attributes:
        severity: How grave a report of it is.
        clauses: The articles that it violates; empty if those of the zone that was seen.
        consequences: The articles that say what follows; empty if those of the zone.
        limits: The rule's numbers by name, finite and not negative.
        uncited: Why no article is cited; "" if one is, or that of the zone.
    """

    severity: Severity
    clauses: tuple[Clause, ...]
    consequences: tuple[Clause, ...]
    limits: Mapping[str, float]
    uncited: str = ""


@dataclass(frozen=True, slots=True)
class Reporting:
    """How findings become reports; see the pack for the meaning of each number.

    Attributes:
        addressee_zh: The organ that reports go to, as the law calls it; empty where the wording was not checked.
        addressee_en: The same in English.
        settle_s: A finding that is not found again for so many seconds is over; found again earlier, it goes on.
        update_s: A finding that goes on is told of no oftener than this.
        retain_days: Reports, evidence and ledger cannot be deleted for so many days.
        utc_offset_h: Local time, for office hours.
        rules: What is said of each rule, by its name.
    """

    addressee_zh: str
    addressee_en: str
    settle_s: float
    update_s: float
    retain_days: float
    utc_offset_h: float
    rules: Mapping[str, MisuseRule]


@dataclass(frozen=True, slots=True)
class Policy:
    """One jurisdiction's rules. Made by `load`; frozen, so that streams may share it.

    Attributes:
        name: The pack's name, for example "guangdong".
        version: The pack's own version.
        law: The law's short name, as citations begin.
        rules: One rule for each prohibited zone.
        misuse: The articles cited by reports of misuse.
        misuse_consequences: What follows from misuse.
        reporting: How findings become reports, and the limits of each rule of misuse.
        thresholds: Where the three states part: by the pack's own numbers, or by what `calibrated` made of `targets`.
        timing: How verdicts hold and change.
        prior: Probability of a prohibited view by declared purpose; always has "default".
        effect: The default effect.
        floors: Weakest strength allowed of each effect that can be too weak; infinite if no strength is enough.
        subjects: What is hidden within permitted views.
        openings: Whether openings are hidden instead of whole views.
        targets: What thresholds have to meet; None if they are stated as numbers, which hold for every model.
    """

    name: str
    version: str
    law: str
    rules: Mapping[Zone, ZoneRule]
    misuse: tuple[Clause, ...]
    misuse_consequences: tuple[Clause, ...]
    reporting: Reporting
    thresholds: Thresholds
    timing: Timing
    prior: Mapping[str, float]
    effect: Effect
    floors: Mapping[EffectKind, float]
    subjects: Subjects
    openings: Openings = Openings()
    targets: Targets | None = None

    def prior_of(self, purpose: str) -> float:
        """Return the probability of a prohibited view before anything is seen; "" is the default."""
        return self.prior.get(purpose, self.prior["default"])

    def declared(self, purpose: str) -> str:
        """Return a declared purpose; "" if none is.

        Raises:
            PolicyError: This policy does not know it: a misspelt purpose must not quietly become the default.
        """
        if purpose and purpose not in self.prior:
            known = ", ".join(sorted(self.prior))
            raise PolicyError(
                f"policy {self.name} knows no such purpose; it knows {known}",
                field="declared_purpose",
                policy=self.name,
            )
        return purpose

    def checked(self, effect: Effect) -> Effect:
        """Return `effect` if it is strong enough.

        Raises:
            EffectTooWeakError: It is below the floor of this policy.
        """
        floor = self.floors.get(effect.kind, 0.0)
        if floor == math.inf:
            raise EffectTooWeakError(
                f"policy {self.name} does not allow {effect.kind}; it allows {self._allowed()}", effect=effect.kind
            )
        if effect.strength < floor:
            raise EffectTooWeakError(
                f"{effect.kind} of strength {effect.strength:g} is below the floor of {floor:g} in policy {self.name}",
                effect=effect.kind,
                strength=effect.strength,
                floor=floor,
            )
        return effect

    def _allowed(self) -> str:
        floors = {kind: self.floors.get(kind, 0.0) for kind in EffectKind}
        return ", ".join(
            f"{kind} of strength {floor:g} or more" if floor else str(kind)
            for kind, floor in floors.items()
            if floor != math.inf
        )


def calibrated(policy: Policy, rows: Sequence[Calibration], *, model: str) -> Policy:
    """Return the policy with the thresholds by which a model meets its targets: the loosest that are strict enough.

    Args:
        policy: Any. One that states numbers is returned as it is.
        rows: What was measured of the model; none, and the pack's cautious thresholds for such models stand.
        model: Its name, for the error.

    Raises:
        PolicyError: The model meets no targets as strict as these.
    """
    asked = policy.targets
    if asked is None:
        return policy
    if not rows:
        return replace(policy, thresholds=asked.uncalibrated)
    met = [row for row in rows if row.miss <= asked.miss and row.false_alarm <= asked.false_alarm]
    if not met:
        known = ", ".join(f"{row.miss:g} and {row.false_alarm:g}" for row in rows)
        raise PolicyError(
            f"policy {policy.name} asks for miss {asked.miss:g} and false_alarm {asked.false_alarm:g}; "
            f"{model} is calibrated for {known}",
            policy=policy.name,
            model=model,
        )
    row = max(met, key=lambda row: (row.miss, row.false_alarm))
    limits = replace(asked.uncalibrated, clear_below=row.clear_below, prohibited_above=row.prohibited_above)
    found = replace(policy, thresholds=limits)
    _check_thresholds(found)
    return found


def with_thresholds(policy: Policy, **limits: float) -> Policy:
    """Return the policy with some of its thresholds replaced: what would it rule if they stood there?

    Args:
        policy: Any.
        limits: `clear_below`, `release_below`, `prohibited_above`.

    Raises:
        PolicyError: They contradict each other.
    """
    changed = replace(policy, thresholds=replace(policy.thresholds, **limits), targets=None)
    _check_thresholds(changed)
    return changed


def names() -> tuple[str, ...]:
    """Return the names of the packs that ship with the package."""
    files = resources.files("privacy.policies").iterdir()
    return tuple(sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml")))


def load(pack: str | Path = DEFAULT) -> Policy:
    """Read a policy pack.

    Args:
        pack: The name of a shipped pack, or the path of a TOML file (anything that ends in ".toml").

    Raises:
        PolicyError: No such pack, no TOML, a missing or unknown key, a value out of range.
    """
    text = _text(pack)
    try:
        return parse(tomllib.loads(text))
    except (ValueError, RecursionError) as error:  # long numbers and deep nesting are no TOMLDecodeError
        raise PolicyError(f"policy {pack} is no TOML: {error}", policy=str(pack)) from error


def _text(pack: str | Path) -> str:
    try:
        if isinstance(pack, Path) or str(pack).endswith(".toml"):
            return Path(pack).read_text("utf-8")
        if pack in names():
            return (resources.files("privacy.policies") / f"{pack}.toml").read_text("utf-8")
    except FileNotFoundError as error:
        raise PolicyError(
            f"there is no policy file {pack}; packs that ship: {', '.join(names())}", policy=str(pack)
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"policy {pack} cannot be read: {error}", policy=str(pack)) from error
    raise PolicyError(f"no policy {pack!r}; known: {', '.join(names())}, or a path to a .toml", policy=str(pack))


def parse(data: Mapping[str, Any]) -> Policy:
    """Build a policy from parsed TOML.

    Raises:
        PolicyError: A missing or unknown key, a wrong type, a value out of range.
    """
    sections = ("pack", "article", "zone", "misuse", "thresholds", "timing", "prior", "effect", "subjects", "openings")
    _only(data, sections, "policy")
    try:
        pack, effect = data["pack"], data["effect"]
        clauses = {a["number"]: Clause(f"{pack['law']} Art. {a['number']}", a["zh"], a["en"]) for a in data["article"]}
        rules = {rule.zone: rule for rule in (_rule(zone, clauses) for zone in data["zone"])}
        if len(clauses) < len(data["article"]) or len(rules) < len(data["zone"]):
            raise PolicyError("policy has an article or a zone twice")  # and the first would be dropped in silence
        thresholds, targets = _thresholds(data["thresholds"])
        policy = Policy(
            name=pack["name"],
            version=pack["version"],
            law=pack["law"],
            rules=rules,
            misuse=tuple(clauses[number] for number in data["misuse"]["articles"]),
            misuse_consequences=tuple(clauses[number] for number in data["misuse"]["consequences"]),
            reporting=_reporting(data["misuse"], clauses),
            thresholds=thresholds,
            targets=targets,
            timing=_timing(data["timing"]),
            prior={str(purpose): float(p) for purpose, p in data["prior"].items()},
            effect=Effect(EffectKind(effect["default"])),
            floors={
                EffectKind.PIXELATE: float(effect["pixelate_floor"]),
                EffectKind.BLUR: float(effect["blur_floor"]),
            },
            subjects=_subjects(data["subjects"]),
            openings=_openings(data.get("openings", {})),
        )
    except KeyError as error:
        raise PolicyError(f"policy lacks or does not define {error}") from error
    except (TypeError, ValueError, OverflowError, AttributeError) as error:
        raise PolicyError(f"policy has a value of the wrong kind: {error}") from error
    _check(policy)
    return policy


def _rule(entry: Mapping[str, Any], clauses: Mapping[str, Clause]) -> ZoneRule:
    _only(entry, ("zone", "zh", "articles", "consequences"), "zone")
    return ZoneRule(
        zone=Zone.of(entry["zone"]),
        zh=entry["zh"],
        clauses=tuple(clauses[number] for number in entry["articles"]),
        consequences=tuple(clauses[number] for number in entry["consequences"]),
    )


def _reporting(entry: Mapping[str, Any], clauses: Mapping[str, Clause]) -> Reporting:
    numbers = ("settle_s", "update_s", "retain_days", "utc_offset_h")
    rules = {name: table for name, table in entry.items() if isinstance(table, Mapping)}
    _only(entry, ("articles", "consequences", "addressee_zh", "addressee_en", *numbers, *rules), "misuse")
    return Reporting(
        addressee_zh=entry["addressee_zh"],
        addressee_en=entry["addressee_en"],
        rules={name: _misuse_rule(table, clauses) for name, table in rules.items()},
        **{name: float(entry[name]) for name in numbers},
    )


def _misuse_rule(entry: Mapping[str, Any], clauses: Mapping[str, Clause]) -> MisuseRule:
    said = ("severity", "articles", "consequences", "uncited")
    uncited = entry.get("uncited", "")
    if not isinstance(uncited, str) or (uncited and entry["articles"]):
        raise PolicyError("`uncited` says in words why a rule without articles has none")
    return MisuseRule(
        severity=Severity(entry["severity"]),
        clauses=tuple(clauses[number] for number in entry["articles"]),
        consequences=tuple(clauses[number] for number in entry["consequences"]),
        limits={name: float(value) for name, value in entry.items() if name not in said},
        uncited=uncited,
    )


def _openings(entry: Mapping[str, Any]) -> Openings:
    kinds: dict[str, type] = {"follow": bool, "cell_above": float, "grow": int, "most": float}
    _only(entry, tuple(kinds), "openings")
    if not isinstance(entry.get("follow", False), bool):
        raise PolicyError(f"openings are followed or not: true or false, got {entry['follow']!r}")
    return Openings(**{name: kinds[name](value) for name, value in entry.items()})


def _subjects(entry: Mapping[str, Any]) -> Subjects:
    scores = {subject: f"{subject}_score" for subject in Subject}
    # A pack that was written before there were heads hides them where it hides faces.
    entry = {Subject.HEADS: entry[Subject.FACES], scores[Subject.HEADS]: HEADS_SCORE, **TILES, **entry}
    numbers = ("margin", "growth", "hold_s", "detect_every_s", *TILES)
    _only(entry, (*Subject, *scores.values(), *numbers), "subjects")
    hidden = {subject: entry[subject] for subject in Subject}
    if not all(isinstance(value, bool) for value in hidden.values()):
        raise PolicyError(f"subjects are hidden or not: true or false, got {hidden}")  # "false" is a true string
    return Subjects(
        hidden=frozenset(subject for subject, value in hidden.items() if value),
        scores={subject: float(entry[key]) for subject, key in scores.items()},
        **{name: float(entry[name]) for name in numbers if name != "tiles"},
        tiles=int(entry["tiles"]),
    )


def _thresholds(entry: Mapping[str, Any]) -> tuple[Thresholds, Targets | None]:
    """Return the thresholds as far as the pack knows them, and its targets if it states no numbers."""
    numbers = ("clear_below", "prohibited_above")
    _only(entry, (*numbers, "release_below", "miss", "false_alarm", "uncalibrated"), "thresholds")

    def stated(table: Mapping[str, Any]) -> Thresholds:
        release_below = float(entry.get("release_below", RELEASE_BELOW))
        return Thresholds(release_below=release_below, **{name: float(table[name]) for name in numbers})

    if any(name in entry for name in numbers):  # both, then; they win over targets
        return stated(entry), None
    cautious = entry["uncalibrated"]
    _only(cautious, numbers, "thresholds.uncalibrated")
    targets = Targets(float(entry["miss"]), float(entry["false_alarm"]), stated(cautious))
    return targets.uncalibrated, targets


def _timing(entry: Mapping[str, Any]) -> Timing:
    values: dict[str, Any]
    wanted = {field.name: field.type for field in fields(Timing)}
    _only(entry, tuple(wanted), "timing")
    values = {name: (int if hint is int else float)(entry[name]) for name, hint in wanted.items()}
    return Timing(**values)


def _only(entry: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    # A misspelt key must not silently fall back to anything: this file decides what is hidden.
    unknown = sorted(set(entry) - set(known))
    if unknown:
        raise PolicyError(f"unknown key in {where}: {', '.join(unknown)}", where=where)


def _check(policy: Policy) -> None:
    missing = [zone.slug for zone in PROHIBITED if zone not in policy.rules]
    if missing or Zone.PERMITTED in policy.rules:
        raise PolicyError(f"policy {policy.name} must rule on every prohibited zone; missing: {missing}")
    if any(not rule.clauses for rule in policy.rules.values()):
        raise PolicyError(f"policy {policy.name} prohibits a zone without naming an article")
    _check_thresholds(policy)
    timing = policy.timing
    values = [getattr(timing, field.name) for field in fields(timing)]
    if not all(math.isfinite(value) and value > 0 for value in values):
        raise PolicyError(f"policy {policy.name} needs positive, finite timing")
    if timing.look_again_s > timing.look_every_s or timing.look_every_s > timing.stall_s:
        raise PolicyError(f"policy {policy.name} needs look_again_s <= look_every_s <= stall_s")
    if "default" not in policy.prior or not all(0 < p < 1 for p in policy.prior.values()):
        raise PolicyError(f"policy {policy.name} needs a default prior, and every prior in (0, 1)")
    if not all(0 < floor <= 1 or floor == math.inf for floor in policy.floors.values()):
        raise PolicyError(f"policy {policy.name} needs strength floors in (0, 1], or inf")
    if policy.floors.get(policy.effect.kind, 0.0) > policy.effect.strength:
        raise PolicyError(f"policy {policy.name} has a default effect that it forbids")
    _check_subjects(policy)
    _check_reporting(policy)
    openings = policy.openings
    if not (0 < openings.cell_above < 1 and 0 <= openings.grow <= 8 and 0 < openings.most < 1):
        raise PolicyError(f"policy {policy.name} needs openings with cell_above and most in (0, 1), and grow in [0, 8]")


def _check_thresholds(policy: Policy) -> None:
    limits = policy.thresholds
    if not 0 < limits.clear_below <= limits.release_below <= limits.prohibited_above < 1:
        raise PolicyError(
            f"policy {policy.name} needs 0 < clear_below <= release_below <= prohibited_above < 1",
            clear_below=limits.clear_below,
            prohibited_above=limits.prohibited_above,
        )
    targets = policy.targets
    if targets is not None and not (0 < targets.miss < 1 and 0 < targets.false_alarm < 1):
        raise PolicyError(f"policy {policy.name} needs targets miss and false_alarm in (0, 1)")


def _check_reporting(policy: Policy) -> None:
    reporting = policy.reporting
    if not (0 < reporting.settle_s < math.inf and 0 < reporting.update_s < math.inf):
        raise PolicyError(f"policy {policy.name} needs positive, finite settle_s and update_s of misuse")
    if not MIN_RETAIN_DAYS <= reporting.retain_days < math.inf:
        raise PolicyError(
            f"policy {policy.name} must keep reports for at least {MIN_RETAIN_DAYS} days", minimum=MIN_RETAIN_DAYS
        )
    if not -MAX_UTC_OFFSET_H <= reporting.utc_offset_h <= MAX_UTC_OFFSET_H:
        raise PolicyError(f"policy {policy.name} needs utc_offset_h in [-14, 14]")
    for name, rule in reporting.rules.items():
        if not all(math.isfinite(value) and value >= 0 for value in rule.limits.values()):
            raise PolicyError(f"policy {policy.name} needs limits of {name} that are finite and not negative")


def _check_subjects(policy: Policy) -> None:
    subjects = policy.subjects
    if not all(0 < score < 1 for score in subjects.scores.values()):
        raise PolicyError(f"policy {policy.name} needs scores of subjects in (0, 1)")
    if not (0 <= subjects.margin <= 1 and 0 <= subjects.growth <= 10):
        raise PolicyError(f"policy {policy.name} needs a margin in [0, 1] and a growth in [0, 10]")
    if not 0 <= subjects.detect_every_s < subjects.hold_s <= MAX_HOLD_S:
        raise PolicyError(f"policy {policy.name} needs 0 <= detect_every_s < hold_s <= {MAX_HOLD_S:g}")
    times = (subjects.tiles_every_s, subjects.tiles_rest_s, subjects.carry_s, MAX_HOLD_S)
    if not (0 <= subjects.tiles <= MAX_TILES and times[0] > 0 and list(times) == sorted(times)):
        raise PolicyError(
            f"policy {policy.name} needs 0 to {MAX_TILES} tiles and "
            f"0 < tiles_every_s <= tiles_rest_s <= carry_s <= {MAX_HOLD_S:g}"
        )
