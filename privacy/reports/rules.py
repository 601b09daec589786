"""The rules of misuse: one table, one small pure function for each.

A rule reads the scene of one subject and says what it finds in it, or nothing. What it violates, how grave that is and
its numbers stand in the policy pack (`[misuse.RULE]`); when a finding becomes a report, goes on and ends stands in
`privacy.reports.folding`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from privacy.errors import PolicyError
from privacy.events import Anomaly, EffectChanged, MaskRestored, ViewChange, ViewRestored
from privacy.policy import MisuseRule, Policy
from privacy.reports.scene import Scene, Spell

Limits = Mapping[str, float]
_CHANGES_ZH: Mapping[ViewChange, str] = {
    ViewChange.TURNED: "转动",
    ViewChange.ZOOMED: "变焦",
    ViewChange.MOVED: "移位",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found.

    Attributes:
        start: When it began, in seconds since 1970-01-01 UTC.
        until: When it was last the case.
        confidence: How sure that is, in [0, 1]; 1 for what was registered or counted rather than seen.
        sight: The prohibited place that was seen, if one was.
        facts: What the summaries name; never pixels.
        camera: The camera, if it is not the subject.
    """

    start: float
    until: float
    confidence: float = 1.0
    sight: Spell | None = None
    facts: Mapping[str, str | float] = field(default_factory=dict)
    camera: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        name: As on the wire and in policy packs; never renamed.
        find: What it looks for.
        limits: The numbers that the pack must give it.
        summary_en: One sentence that says what was found; `{facts}` are filled in.
        summary_zh: The same in Chinese.
        action_en: What the reader should do.
        action_zh: The same in Chinese.
        ends: The event that ends it. None if it ends by not being found any more.
    """

    name: str
    find: Callable[[Scene, Limits], Finding | None]
    limits: tuple[str, ...]
    summary_en: str
    summary_zh: str
    action_en: str
    action_zh: str
    ends: type[MaskRestored | ViewRestored] | None = None


def prohibited_view(scene: Scene, limits: Limits) -> Finding | None:
    """Find a prohibited place that is seen for longer than the pack allows (Art. 7)."""
    sight = scene.sight
    if sight is None or sight.seconds < limits["after_s"]:
        return None
    return _of(sight, purpose=scene.purpose)


def purpose_contradicted(scene: Scene, limits: Limits) -> Finding | None:
    """Find a prohibited place where the camera is registered for a permitted one (Art. 6, 19(1))."""
    sight = scene.sight
    if not scene.purpose or sight is None or sight.seconds < limits["after_s"]:
        return None
    return _of(sight, purpose=scene.purpose)


def view_changed(scene: Scene, limits: Limits) -> Finding | None:
    """Find a registered view that was turned, zoomed or moved without approval (Art. 17(4))."""
    if scene.view is None or scene.at - scene.view.at < limits["after_s"]:
        return None
    now = scene.sight.zone if scene.sight is not None else None
    shows = (scene.place or "nothing prohibited") if now is None else now.slug
    return Finding(
        scene.view.begun,
        scene.at,
        facts={"change": scene.view.change.lower(), "change_zh": _CHANGES_ZH[scene.view.change], "shows": shows},
    )


def view_changed_to_private(scene: Scene, limits: Limits) -> Finding | None:
    """Find a registered view that was changed and now shows a prohibited place (Art. 19(1))."""
    view, sight = scene.view, scene.sight
    if view is None or sight is None or sight.seconds < limits["after_s"]:
        return None
    if sight.start < view.begun - limits["after_s"]:
        return None
    change = {"change": view.change.lower(), "change_zh": _CHANGES_ZH[view.change]}
    return _of(sight, start=min(view.begun, sight.start), **change)


def ptz_dwell(scene: Scene, limits: Limits) -> Finding | None:
    """Find a camera that was moved or zoomed onto a prohibited place and stays there (Art. 19(1))."""
    moved, sight = scene.moved, scene.sight
    if moved is None or sight is None or sight.seconds < limits["after_s"]:
        return None
    if sight.start - moved.at > limits["lead_s"]:
        return None  # it was not the movement that brought the place into view
    if moved.at > sight.start and sight.until - moved.at < limits["after_s"]:
        return None  # the movement leads away from it
    actor = {"actor": moved.actor or "a preset tour", "actor_zh": moved.actor or "预置位巡航"}
    return _of(sight, start=min(moved.at, sight.start), zoom=moved.zoom, **actor)


def mask_reduced(scene: Scene, limits: Limits) -> Finding | None:  # noqa: ARG001 - every rule takes its limits
    """Find a mask that was lifted, disabled or weakened without approval (Art. 19(1))."""
    reduced = scene.reduced
    if reduced is None:
        return None
    change = "WEAKENED" if isinstance(reduced, EffectChanged) else reduced.change.value
    return Finding(reduced.at, scene.at, facts={"change": change, "actor": reduced.actor})


def silent_while_prohibited(scene: Scene, limits: Limits) -> Finding | None:
    """Find a stream that stopped when it showed a prohibited place and came back clear (Art. 19(1))."""
    silence = scene.silence
    if silence is None or silence.end is None or silence.clear_at is None:
        return None
    length = silence.end - silence.start
    if not limits["least_s"] <= length <= limits["most_s"]:
        return None
    if silence.start - silence.sight.until > limits["within_s"]:
        return None
    if silence.clear_at - silence.end > limits["clear_within_s"]:
        return None
    return Finding(
        silence.start, silence.end, silence.sight.p, sight=silence.sight, facts={"silent_s": round(length, 1)}
    )


def frames_withheld(scene: Scene, limits: Limits) -> Finding | None:
    """Find frames that were left out again and again (Art. 17(4))."""
    gaps = [one for one in scene.anomalies_within(limits["window_s"]) if one.anomaly is Anomaly.SEQUENCE_GAP]
    frames = sum(one.frames for one in gaps)
    if len(gaps) < limits["gaps"] or frames < limits["frames"]:
        return None
    return Finding(gaps[0].at, gaps[-1].at, facts={"gaps": len(gaps), "frames": frames})


def frames_replayed(scene: Scene, limits: Limits) -> Finding | None:
    """Find old frames that came again as new ones, or a clock that runs back (Art. 17(4))."""
    kinds = (Anomaly.DUPLICATE, Anomaly.TIME_REVERSED)
    found = [one for one in scene.anomalies_within(limits["window_s"]) if one.anomaly in kinds]
    seconds = sum(one.seconds for one in found if one.anomaly is Anomaly.DUPLICATE)
    reversals = sum(one.anomaly is Anomaly.TIME_REVERSED for one in found)
    if seconds < limits["seconds"] and reversals < limits["reversals"]:
        return None
    return Finding(found[0].at, found[-1].at, facts={"seconds": round(seconds, 1), "reversals": reversals})


def camera_unregistered(scene: Scene, limits: Limits) -> Finding | None:
    """Find a camera that streams and stands in no register (Art. 18(1))."""
    since = scene.unregistered_at
    if since is None or scene.at - since < limits["after_s"]:
        return None
    return Finding(since, scene.at)


def evidence_bulk(scene: Scene, limits: Limits) -> Finding | None:
    """Find a reader who takes the evidence of more reports than one case needs (Art. 18(3))."""
    reads = [read for read in scene.reads if read.granted and scene.at - read.at <= limits["window_s"]]
    reports = {read.report for read in reads}
    if len(reports) < limits["reports"]:
        return None
    return Finding(reads[0].at, reads[-1].at, facts={"reports": len(reports)}, camera=reads[-1].camera)


def evidence_off_hours(scene: Scene, limits: Limits) -> Finding | None:
    """Find evidence that was read outside office hours (Art. 18(3))."""
    read = scene.read  # only while it is news: who goes on in office hours is not accused of last night again
    if read is None or not read.granted:
        return None
    hour = (read.at / 3600 + limits["utc_offset_h"]) % 24
    if limits["from_h"] <= hour < limits["to_h"]:
        return None
    return Finding(read.at, read.at, facts={"hour": f"{int(hour):02d}:{int(hour % 1 * 60):02d}"}, camera=read.camera)


def evidence_purposeless(scene: Scene, limits: Limits) -> Finding | None:
    """Find evidence that was asked for without saying what for, granted or not (Art. 18(3))."""
    read = scene.read
    if read is None or sum(letter.isalnum() for letter in read.purpose) >= limits["letters"]:
        return None
    return Finding(read.at, read.at, facts={"report": read.report}, camera=read.camera)


def screens_dwelt(scene: Scene, limits: Limits) -> Finding | None:
    """Find a view that is filled by displays or papers: commercial secrets (Art. 19(1), 4)."""
    since = scene.screens_since(limits["share"])
    if since is None or scene.at - since < limits["after_s"]:
        return None
    return Finding(since, scene.at, 0.8, facts={"share": limits["share"]})


RULES: tuple[Rule, ...] = (
    Rule(
        "PROHIBITED_VIEW",
        prohibited_view,
        (),
        "The camera has shown a {zone} for {seconds} s; no camera may be there.",
        "摄像机拍摄到{zone_zh}，持续{seconds}秒；该场所禁止安装视频监控设备。",
        "Keep the view masked. Have the device removed, and its installation looked into.",
        "保持遮挡。责令拆除设备，并查明安装情况。",
    ),
    Rule(
        "PURPOSE_CONTRADICTED",
        purpose_contradicted,
        ("after_s",),
        "Registered for {purpose}, the camera has shown a {zone} for {seconds} s.",
        "该摄像机登记用途为“{purpose}”，实际拍摄到{zone_zh}，持续{seconds}秒。",
        "Keep the view masked. Compare the place of installation with the register, and ask who changed it.",
        "保持遮挡。核对登记位置与实际安装位置，查明变更责任人。",
    ),
    Rule(
        "VIEW_CHANGED",
        view_changed,
        ("after_s",),
        "The registered view was {change} without approval; it now shows: {shows}.",
        "登记画面未经批准发生变化（{change_zh}）；现画面：{shows}。",
        "Ask who changed the view. Restore it, or approve the new one.",
        "查明变更画面的人员；恢复原画面或者批准新画面。",
        ends=ViewRestored,
    ),
    Rule(
        "VIEW_CHANGED_TO_PRIVATE",
        view_changed_to_private,
        ("after_s",),
        "The registered view was {change} without approval, and has shown a {zone} for {seconds} s since.",
        "登记画面未经批准发生变化（{change_zh}），此后拍摄到{zone_zh}，持续{seconds}秒。",
        "Keep the view masked, secure the device and its access records, and find out who turned it.",
        "保持遮挡，保全设备及访问记录，查明转动设备的人员。",
    ),
    Rule(
        "PTZ_DWELL",
        ptz_dwell,
        ("after_s", "lead_s"),
        "The camera was moved or zoomed by {actor} and has dwelt on a {zone} for {seconds} s.",
        "摄像机由{actor_zh}转动或变焦后，停留拍摄{zone_zh}，持续{seconds}秒。",
        "Keep the view masked. Ask the operator what the movement was for; take the preset away.",
        "保持遮挡。询问操作人员转动目的，并取消该预置位。",
    ),
    Rule(
        "MASK_REDUCED",
        mask_reduced,
        (),
        "A privacy mask was {change} by {actor} without an approval document.",
        "隐私遮挡被{actor}擅自变更（{change}），无批准文件。",
        "Restore the mask. Ask for the approval, and look at who watched in the meantime.",
        "恢复遮挡。核查批准文件及其间的查看人员。",
        ends=MaskRestored,
    ),
    Rule(
        "SILENT_WHILE_PROHIBITED",
        silent_while_prohibited,
        ("within_s", "least_s", "most_s", "clear_within_s"),
        "The stream went silent for {silent_s} s while it showed a {zone}, and came back clear.",
        "视频流在拍摄到{zone_zh}时中断{silent_s}秒，恢复后画面正常。",
        "Secure the camera's own recording of the silent time, and its connection log.",
        "保全中断期间的本机录像和连接日志。",
    ),
    Rule(
        "FRAMES_WITHHELD",
        frames_withheld,
        ("window_s", "gaps", "frames"),
        "{frames} frames were left out in {gaps} gaps.",
        "视频流共缺失{frames}帧，分{gaps}次。",
        "Check the network first; then ask who filters the stream.",
        "先检查网络；再查明是否有人截留视频帧。",
    ),
    Rule(
        "FRAMES_REPLAYED",
        frames_replayed,
        ("window_s", "seconds", "reversals"),
        "{seconds} s of old frames came again as new ones, and the clock ran back {reversals} times.",
        "重复发送旧画面{seconds}秒，时间戳倒退{reversals}次。",
        "Compare the stream with the camera's own picture; secure the recorder.",
        "将视频流与摄像机实际画面比对；保全录像设备。",
    ),
    Rule(
        "CAMERA_UNREGISTERED",
        camera_unregistered,
        ("after_s",),
        "A camera that stands in no register streams.",
        "未登记的摄像机正在传输视频。",
        "Register the camera with its place and purpose, or take it off the network.",
        "登记该摄像机的位置和用途，或者将其断网。",
    ),
    Rule(
        "EVIDENCE_BULK",
        evidence_bulk,
        ("window_s", "reports"),
        "{subject} read the evidence of {reports} reports within the window.",
        "{subject}在时段内调取了{reports}份报告的证据。",
        "Ask the reader for the cases; suspend the account until then.",
        "要求调取人员说明案由；在此之前暂停其账号。",
    ),
    Rule(
        "EVIDENCE_OFF_HOURS",
        evidence_off_hours,
        ("from_h", "to_h"),
        "{subject} read evidence at {hour} local time, outside office hours.",
        "{subject}在非工作时间（{hour}）调取证据。",
        "Ask the reader for the reason.",
        "要求调取人员说明理由。",
    ),
    Rule(
        "EVIDENCE_PURPOSELESS",
        evidence_purposeless,
        ("letters",),
        "{subject} asked for the evidence of {report} without saying what for.",
        "{subject}调取{report}的证据时未说明用途。",
        "Have the purpose registered, or the access taken back.",
        "补登调取用途，或者收回权限。",
    ),
    Rule(
        "SCREENS_DWELT",
        screens_dwelt,
        ("share", "after_s"),
        "Displays or papers have filled more than {share:.0%} of the picture: secrets may be recorded.",
        "屏幕或者文件占画面{share:.0%}以上，可能采集商业秘密。",
        "Turn the camera away from screens and documents, or mask them.",
        "将摄像机移开屏幕和文件，或者予以遮挡。",
    ),
)
"""All rules there are. A test compares this table with the packs and with docs/reports.md."""


@dataclass(frozen=True, slots=True, eq=False)
class Rulebook:
    """The rules under one policy.

    Attributes:
        policy: The pack.
        rules: What applies, with what the pack says of it and its numbers.

    Raises:
        PolicyError: The pack lacks a rule or one of its numbers, or names what is no rule.
    """

    policy: Policy
    rules: tuple[tuple[Rule, MisuseRule, Limits], ...] = field(init=False)

    def __post_init__(self) -> None:
        said = self.policy.reporting.rules
        if unknown := set(said) - {rule.name for rule in RULES}:
            raise PolicyError(f"policy {self.policy.name} names rules of misuse that are none: {sorted(unknown)}")
        object.__setattr__(self, "rules", tuple(self._bound(rule) for rule in RULES))

    def _bound(self, rule: Rule) -> tuple[Rule, MisuseRule, Limits]:
        said = self.policy.reporting.rules.get(rule.name)
        if said is None or set(said.limits) != set(rule.limits):
            raise PolicyError(
                f"policy {self.policy.name} must give rule {rule.name} its numbers: {', '.join(rule.limits) or 'none'}",
                rule=rule.name,
            )
        limits = {**said.limits, "utc_offset_h": self.policy.reporting.utc_offset_h}
        limits.setdefault("after_s", self.policy.timing.report_after_s)
        return rule, said, limits

    def findings(self, scene: Scene) -> Iterator[tuple[Rule, MisuseRule, Finding]]:
        """Yield what the rules find in a scene, in the order of the table."""
        for rule, said, limits in self.rules:
            finding = rule.find(scene, limits)
            if finding is not None:
                yield rule, said, finding


def _of(sight: Spell, *, start: float | None = None, **facts: str | float) -> Finding:
    begun = sight.start if start is None else start
    return Finding(begun, sight.until, sight.p, sight, {"seconds": round(sight.seconds), **facts})
