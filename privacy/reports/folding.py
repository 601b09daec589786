"""From events to reports: one continuing finding is one report with updates, not a thousand. Reads no clock."""

import hashlib
import math
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from privacy.events import Event
from privacy.policy import MisuseRule, Policy
from privacy.reports.report import Change, ChangeKind, Report, ReportKind
from privacy.reports.rules import RULES, Finding, Rule, Rulebook
from privacy.reports.scene import LONG_BACK_S, SET_BACK_S, Scene
from privacy.zones import Zone

MAX_ENDED = 4096
MAX_SUBJECTS = 65_536
MIN_OBJECT = 0.5
_DAY_S = 86_400.0

ZONES_ZH: Mapping[Zone, str] = {
    Zone.WASHROOM: "卫生间",
    Zone.BATHHOUSE: "公共浴室",
    Zone.CHANGING_ROOM: "更衣室",
    Zone.DORMITORY: "宿舍",
    Zone.GUEST_ROOM: "旅馆客房",
    Zone.OTHER_PRIVATE: "其他涉及个人隐私的场所",
}


@dataclass(slots=True, eq=False)
class _Going:
    """A report that goes on."""

    report: Report
    told: float  # when it was last told of


class Folder:
    """Turns events into changes of reports. What it forgets in a restart it takes from the reports that go on.

    Args:
        policy: Which rules apply, with which numbers.
        known: Reports that have not ended, with which a finding goes on that is found again; and those that have ended
            lately, which are not raised again.
        model: Name of the model that looks, for the record.

    Raises:
        PolicyError: The pack does not speak of every rule.
    """

    def __init__(self, policy: Policy, known: Iterable[Report] = (), *, model: str = "") -> None:
        self._book = Rulebook(policy)
        self._policy = policy
        self._model = model
        self._scenes: OrderedDict[str, Scene] = OrderedDict()
        self._going: dict[tuple[str, str], _Going] = {}
        self._ended: OrderedDict[tuple[str, str], float] = OrderedDict()  # when the last report of each ended
        for report in known:
            key = report.subject, report.rule
            if report.end is None:
                self._going[key] = _Going(report, report.updated)
            else:
                self._ended[key] = max(report.end, self._ended.get(key, report.end))
        self._ends = {rule.name: rule.ends for rule in RULES}

    def see(self, event: Event) -> list[Change]:
        """Take an event; return what changes, in order."""
        scene = self._scenes.pop(event.subject, Scene(event.subject, self._policy.reporting.settle_s)).after(event)
        self._scenes[event.subject] = scene
        if len(self._scenes) > MAX_SUBJECTS:
            self._scenes.popitem(last=False)
        changes = []
        for rule, said, finding in self._book.findings(scene):
            changes += self._found(self._reported(rule, said, finding, scene), scene.at)
        for key, going in list(self._going.items()):
            ends = self._ends[going.report.rule]
            if key[0] == event.subject and ends is not None and isinstance(event, ends):
                changes.append(self._end(key, event.at))
        # By its own time only: another's may run faster, or be wrong.
        return [*changes, *self._over(event.at, event.subject)]

    def tick(self, now: float) -> list[Change]:
        """Return the reports that are over by `now`, since nothing was found for so long.

        `see` ends those of a subject by its own events; those of who is heard of no more end here.
        """
        return self._over(now)

    def _over(self, now: float, subject: str | None = None) -> list[Change]:
        settle = self._policy.reporting.settle_s
        over = [
            key
            for key, going in self._going.items()
            if subject in (None, key[0]) and self._ends[going.report.rule] is None and now - going.report.until > settle
        ]
        return [self._end(key, now) for key in over]

    def _found(self, found: Report, now: float) -> list[Change]:
        key = (found.subject, found.rule)
        going = self._going.get(key)
        if going is not None and self._ends[found.rule] is None and going.report.until - now > LONG_BACK_S:
            # By a clock that was ahead it would go on until the right one has come so far, and be this one as well.
            return [self._end(key, now), *self._found(found, now)]
        if going is None:
            ended = self._ended.get(key)
            if ended is not None and ended - now > SET_BACK_S and found.until <= now:
                # By a clock that was ahead: nothing would be reported until the right one has come so far. But what is
                # found of the time ahead has ended: the register's clock is behind that of a file streamed fast.
                ended = None
            if ended is not None and found.until <= ended:
                return []  # events that come again tell nothing new
            if ended is not None and found.start <= ended:
                found = replace(found, start=found.until, id=report_id(found.subject, found.rule, found.until))
            self._going[key] = _Going(found, now)
            return [Change(ChangeKind.NEW, found)]
        report = replace(going.report.goes_on_as(found), id=going.report.id, updated=now)
        news = (report.zone, report.severity) != (going.report.zone, going.report.severity)
        news = news or report.exposure_frames > going.report.exposure_frames
        if not news and abs(now - going.told) < self._policy.reporting.update_s:
            going.report = replace(report, updated=going.report.updated)
            return []
        self._going[key] = _Going(report, now)
        return [Change(ChangeKind.UPDATE, report)]

    def _end(self, key: tuple[str, str], now: float) -> Change:
        report = self._going.pop(key).report
        end = now if self._ends[report.rule] is not None else math.nextafter(report.until, math.inf)
        before = self._ended.pop(key, end)
        self._ended[key] = end if before - now > SET_BACK_S else max(end, before)
        if len(self._ended) > MAX_ENDED:
            self._ended.popitem(last=False)
        return Change(ChangeKind.END, replace(report, end=end, updated=now))

    def _reported(self, rule: Rule, said: MisuseRule, finding: Finding, scene: Scene) -> Report:
        sight, policy = finding.sight, self._policy
        zone = None if sight is None else sight.zone
        of_zone = policy.rules.get(zone) if zone is not None else None
        facts = {
            **finding.facts,
            "subject": scene.subject,
            "zone": "place" if zone is None else zone.slug.replace("_", " "),
            "zone_zh": "涉及隐私的场所" if zone is None else ZONES_ZH[zone],
        }
        is_view = rule.name == "PROHIBITED_VIEW"
        objects = {} if sight is None else sight.objects
        return Report(
            id=report_id(scene.subject, rule.name, finding.start),
            rule=rule.name,
            kind=ReportKind.PROHIBITED_VIEW if is_view else ReportKind.MISUSE,
            subject=scene.subject,
            camera=finding.camera or (scene.subject if scene.subject.startswith("sites/") else ""),
            start=finding.start,
            until=finding.until,
            end=None,
            zone=zone,
            clauses=said.clauses or (of_zone.clauses if of_zone is not None else ()),
            consequences=said.consequences or (of_zone.consequences if of_zone is not None else ()),
            severity=said.severity,
            confidence=finding.confidence,
            place="" if sight is None else sight.place,
            objects=tuple(sorted((o for o, p in objects.items() if p >= MIN_OBJECT), key=lambda o: -objects[o])),
            summary_en=rule.summary_en.format_map(facts),
            summary_zh=rule.summary_zh.format_map(facts),
            action_en=rule.action_en,
            action_zh=rule.action_zh,
            addressee_en=policy.reporting.addressee_en,
            addressee_zh=policy.reporting.addressee_zh,
            policy=(policy.name, policy.version),
            created=scene.at,
            updated=scene.at,
            retain_until=scene.at + policy.reporting.retain_days * _DAY_S,
            masked_since=None if sight is None else sight.masked_since,
            exposure_frames=0 if sight is None else sight.exposure_frames,
            exposure_s=0.0 if sight is None else sight.exposure_s,
            model=self._model if sight is not None else "",
        )


def report_id(subject: str, rule: str, start: float) -> str:
    """Return the id of a finding: the same whoever finds it, and however often."""
    return hashlib.sha256(f"{subject}\n{rule}\n{start:.3f}".encode()).hexdigest()[:20]
