"""A stream that turns prohibited is reported, by itself; and what is known of it is told to who may know."""

import io
import pickle
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import cv2
import grpc
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import text

from privacy import pages
from privacy import policy as policies
from privacy.database import open_database
from privacy.errors import (
    DatabaseBusyError,
    DatabaseFullError,
    DrainedError,
    PrivacyError,
    ProtocolError,
    UnauthenticatedError,
)
from privacy.events import (
    ConfigChanged,
    Event,
    MaskChange,
    MaskReduced,
    MaskRestored,
    StreamOpened,
    ViewChange,
    ViewChanged,
)
from privacy.evidence import Reason
from privacy.frame import Frame, Layout
from privacy.migrations import migrate
from privacy.models import catalogue
from privacy.plan import WHOLE, MaskPlan
from privacy.policy import Effect
from privacy.reports.evidence import new_key, open_bytes, read_header
from privacy.reports.folding import Folder
from privacy.reports.ledger import MAX_LISTED, MAX_TEXT, Act
from privacy.reports.report import Change, ChangeKind, Report
from privacy.reports.scene import MAX_LEAD_S
from privacy.reports.store import Store
from privacy.serve.observer import Answer, Stages, StreamFacts
from privacy.serve.report_servicer import ReportService
from privacy.serve.reporting import Reporting, Said
from privacy.serve.server import Server, Settings
from privacy.v1 import enforcement_service_pb2_grpc as enforcement_grpc
from privacy.v1 import report_service_pb2 as pb
from privacy.v1 import report_service_pb2_grpc as pb_grpc
from privacy.v1 import verdict_pb2
from privacy.verdict import State, Verdict
from privacy.zones import Zone
from tests.reports.conftest import Clock
from tests.reports.stories import NOON, looks
from tests.serve.conftest import engine
from tests.serve.messages import CAMERA, LIGHT, config, frame, refusal, results
from tests.toys import stream_facts

AUTHORITY = new_key()
PUBLIC = AUTHORITY.public_key().public_bytes_raw()
RECORD: dict[str, Any] = {
    "recorded_by": "Hotel Pearl",
    "retrieved_by": "王",
    "retrieve_time": Timestamp(seconds=1_773_288_000),
    "purpose": "案件 2026-0312",
    "destination": "广州市公安局",
}
ALTERED = "UPDATE ledger SET line = replace(line, 'users/2', 'users/9') WHERE entry = 3"
GONE = "DELETE FROM ledger WHERE entry = 3"
UNSIGNED = "UPDATE ledger SET signature = substr(signature, 65) || substr(signature, 1, 64)"
UNREADABLE = "UPDATE ledger SET digest = 'x', signature = 'y'"


@pytest.fixture
def reporting(tmp_path: Path) -> Iterator[Reporting]:
    database = open_database(f"sqlite:///{tmp_path / 'reports.db'}")
    migrate(database)
    store = Store(database, Ed25519PrivateKey.generate())
    rules = catalogue.load_policy()
    with Reporting(store, {rules.name: rules}, model="bright.test", authority=[PUBLIC]) as reporting:
        yield reporting
    database.dispose()


@pytest.fixture
def channel(reporting: Reporting) -> Iterator[grpc.Channel]:
    server = Server(engine(observers=(reporting,)), Settings(address="127.0.0.1:0"), [reporting.service])
    server.start()
    with grpc.insecure_channel(server.address) as channel:
        yield channel
    server.stop(0)


@pytest.fixture
def reports(channel: grpc.Channel) -> Any:
    return pb_grpc.ReportServiceStub(channel)


@pytest.fixture
def raised(channel: grpc.Channel, reports: Any) -> pb.Report:
    """A camera has shown a washroom for ten seconds."""
    results(enforcement_grpc.EnforcementServiceStub(channel), [config(), *(frame(n, LIGHT) for n in range(12))])
    report: pb.Report = until(lambda: next(iter(reports.ListReports(pb.ListReportsRequest()).reports), None))
    return report


def until(find: Callable[[], Any], seconds: float = 10.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if (found := find()) is not None:
            return found
        time.sleep(0.02)
    raise AssertionError("it never came")


def made_up(after: str) -> str:
    """A token as anybody can write one."""
    return pages.token_of(after, "reports", "", "")


def evidence(report: pb.Report, **changes: Any) -> pb.RequestEvidenceRequest:
    fields: dict[str, Any] = {
        "name": report.name,
        "retrieval_record": pb.RetrievalRecord(**RECORD),
        "access": pb.EVIDENCE_ACCESS_READ,
        "authority_kind": pb.AUTHORITY_KIND_PUBLIC_SECURITY,
        "officers": [
            pb.Officer(display_name=name, organ="广州市公安局", credential_number=number)
            for name, number in (("王", "440101"), ("李", "440102"))
        ],
        "approval_exempt": True,
        "confidentiality_accepted": True,
        "recipient_public_key": PUBLIC,
    } | changes
    return pb.RequestEvidenceRequest(**fields)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def alone(tmp_path: Path, clock: Clock) -> Iterator[Reporting]:
    """What reports without a server, by a clock that stands until it is set."""
    database = open_database(f"sqlite:///{tmp_path / 'alone.db'}")
    migrate(database)
    packs = {name: policies.load(name) for name in ("guangdong", "order799")}
    store = Store(database, Ed25519PrivateKey.generate(), clock)
    with Reporting(store, packs, authority=[PUBLIC]) as reporting:
        yield reporting
    database.dispose()


def shown_for(seconds: int, reporting: Reporting, clock: Clock) -> list[Report]:
    """Let a camera whose view was changed show a washroom, and return what is reported of it."""
    facts = stream("s")
    reporting.opened(facts)
    reporting.hear(ViewChanged(subject=CAMERA, at=clock.now, change=ViewChange.TURNED))
    for number in range(seconds + 1):
        picture = np.full((48, 64), 100 + number, np.uint8)
        answer = Answer(
            sequence=number,
            verdict=Verdict(State.PROHIBITED, Reason.MODEL, float(number), Zone.WASHROOM, 0.99),
            plan=MaskPlan((WHOLE,), Effect()),
            stages=Stages(),
            exposure_frames=0,
            exposure_s=0.0,
            frame=Frame((picture,), Layout.GRAY, float(number), number, full_range=True),
        )
        reporting.answered(facts, answer)
        clock.now += 1
    until(lambda: True if not reporting.busy else None)
    return reporting.store.going()


def test_a_stream_that_turns_prohibited_is_reported(raised: pb.Report) -> None:
    assert (raised.rule, raised.camera, raised.zone) == ("PROHIBITED_VIEW", CAMERA, verdict_pb2.ZONE_WASHROOM)
    assert raised.state == pb.REPORT_STATE_OPEN
    assert [clause.citation for clause in raised.legal_basis.clauses] == ["Guangdong Decree 132 Art. 7"]
    assert raised.system_response.HasField("masked_since_time")


def test_its_pictures_are_masked(reports: Any, raised: pb.Report) -> None:
    report = reports.GetReport(pb.GetReportRequest(name=raised.name)).report
    (picture,) = report.masked_pictures

    assert cv2.imdecode(np.frombuffer(picture.data, np.uint8), cv2.IMREAD_COLOR).max() < 40  # type: ignore[union-attr]


def test_a_review_is_taken_and_written_down(reports: Any, raised: pb.Report, reporting: Reporting) -> None:
    step = pb.ReviewReportRequest(name=raised.name, state=pb.REPORT_STATE_ACKNOWLEDGED, reason="seen on site")
    report = reports.ReviewReport(step).report
    wrong = refusal(lambda: reports.ReviewReport(step))

    assert [taken.reason for taken in report.review_steps] == ["seen on site"]
    assert wrong[:2] == ("FAILED_PRECONDITION", "REVIEW_REFUSED")
    assert any('"report.review"' in line for line in reporting.store.ledger_lines())


def test_who_has_not_read_the_last_change_is_told_so(reports: Any, raised: pb.Report) -> None:
    stale = pb.ReviewReportRequest(name=raised.name, state=pb.REPORT_STATE_ACKNOWLEDGED, reason="x", etag="999")

    assert refusal(lambda: reports.ReviewReport(stale))[0] == "ABORTED"


@pytest.mark.parametrize(
    "etag",
    [
        pytest.param("latest", id="no number"),
        pytest.param("-1", id="less than nothing"),
        pytest.param("9" * 5000, id="more digits than are ever read"),
    ],
)
def test_an_etag_that_no_report_has_had_is_refused_as_the_mistake_it_is(
    reports: Any, raised: pb.Report, etag: str
) -> None:
    wrong = pb.ReviewReportRequest(name=raised.name, state=pb.REPORT_STATE_ACKNOWLEDGED, reason="x", etag=etag)

    assert refusal(lambda: reports.ReviewReport(wrong))[0] == "INVALID_ARGUMENT"


def test_a_watcher_hears_every_change_from_its_offset_and_heartbeats(reports: Any, raised: pb.Report) -> None:
    call = reports.WatchReports(pb.WatchReportsRequest(heartbeat_interval=Duration(seconds=1)), timeout=20)
    first = next(call)
    reports.ReviewReport(pb.ReviewReportRequest(name=raised.name, state=pb.REPORT_STATE_ACKNOWLEDGED, reason="seen"))
    heard = [next(call), next(call)]
    call.cancel()

    assert (first.event.kind, first.event.report.name) == (pb.REPORT_EVENT_KIND_NEW, raised.name)
    assert "event" in {one.WhichOneof("message") for one in heard}
    assert heard[-1].WhichOneof("message") in ("heartbeat", "event")


def test_only_the_authority_opens_what_it_is_given(reports: Any, raised: pb.Report, reporting: Reporting) -> None:
    given = reports.RequestEvidence(evidence(raised))
    (sealed,) = given.sealed_evidence
    original = cv2.imdecode(np.frombuffer(open_bytes(sealed.sealed_box, AUTHORITY), np.uint8), cv2.IMREAD_COLOR)

    assert original is not None
    assert original.mean() > 200
    assert any('"evidence.request"' in line and '"granted":true' in line for line in reporting.store.ledger_lines())


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"officers": []}, id="nobody asks"),
        pytest.param({"approval_exempt": False}, id="no document"),
        pytest.param({"recipient_public_key": bytes(32)}, id="a key that nobody knows"),
        pytest.param({"retrieval_record": pb.RetrievalRecord()}, id="nothing registered"),
    ],
)
def test_a_request_that_lacks_what_the_law_asks_for_is_refused_and_written_down(
    reports: Any, raised: pb.Report, reporting: Reporting, changes: dict[str, Any]
) -> None:
    wrong = refusal(lambda: reports.RequestEvidence(evidence(raised, **changes)))

    assert wrong[:2] == ("PERMISSION_DENIED", "EVIDENCE_REFUSED")
    assert any('"evidence.request"' in line and '"granted":false' in line for line in reporting.store.ledger_lines())


LONG = "核" * 180_000  # more than a line of the ledger may have


@pytest.mark.parametrize(
    "changes",
    [
        *(
            pytest.param({"retrieval_record": pb.RetrievalRecord(**RECORD | {name: LONG})}, id=name)
            for name in ("recorded_by", "retrieved_by", "purpose", "destination")
        ),
        pytest.param({"officers": [pb.Officer(display_name="王", organ=LONG, credential_number="1")]}, id="an organ"),
        pytest.param({"officers": [pb.Officer(display_name="王", organ="o", credential_number="1")] * 17}, id="many"),
        pytest.param({"approval_document": pb.ApprovalDocument(document_number=LONG)}, id="approval_document"),
        pytest.param({"recipient_public_key": b"x" * 600_000, "access": 0}, id="a key, and what is missing beside it"),
    ],
)
def test_a_request_that_no_entry_has_room_for_is_refused_and_written_down_all_the_same(
    reports: Any, raised: pb.Report, reporting: Reporting, changes: dict[str, Any]
) -> None:
    wrong = refusal(lambda: reports.RequestEvidence(evidence(raised, **changes)))
    lines = [line for line in reporting.store.ledger_lines() if '"action":"evidence.request"' in line]

    assert wrong[0] == ("PERMISSION_DENIED" if "access" in changes else "INVALID_ARGUMENT")
    assert len(lines) == 1
    assert '"granted":false' in lines[0]
    assert "anonymous" in lines[0]
    assert reporting.store.verify_ledger().intact


def test_the_longest_request_that_is_granted_is_written_down_whole(
    reports: Any, raised: pb.Report, reporting: Reporting
) -> None:
    """With letters that take twelve bytes each."""
    most = "😀" * (MAX_TEXT - 4) + "case"
    officers = [
        pb.Officer(display_name="王", organ="😀" * (MAX_TEXT - 7), credential_number=f"{number:02d}")
        for number in range(MAX_LISTED)
    ]
    record = RECORD | dict.fromkeys(("recorded_by", "retrieved_by", "purpose", "destination"), most)
    reports.RequestEvidence(evidence(raised, officers=officers, retrieval_record=pb.RetrievalRecord(**record)))
    *_, last = reporting.store.acts("evidence.request", 0)

    assert (last["purpose"], last["destination"], last["actor"]) == (most, most, f"{most} (anonymous)")
    assert last["details"]["officers"] == [
        f"{one.display_name}, {one.organ}, {one.credential_number}" for one in officers
    ]
    assert reporting.store.verify_ledger().intact


def test_a_review_that_no_entry_has_room_for_is_not_taken(reports: Any, raised: pb.Report) -> None:
    acknowledge = pb.ReviewReportRequest(name=raised.name, state=pb.REPORT_STATE_ACKNOWLEDGED, reason=LONG)

    assert refusal(lambda: reports.ReviewReport(acknowledge))[:2] == ("INVALID_ARGUMENT", "INVALID_FIELD")
    assert reports.GetReport(pb.GetReportRequest(name=raised.name)).report.state == pb.REPORT_STATE_OPEN
    assert reports.VerifyLedger(pb.VerifyLedgerRequest()).intact


def test_what_has_happened_is_written_down_however_long_somebody_says_why(alone: Reporting, clock: Clock) -> None:
    alone.hear(
        ConfigChanged(subject=CAMERA, at=clock.now, setting="policy", before="a", after="b", actor="li", purpose=LONG)
    )
    until(lambda: alone.store.head().entries or None)

    assert alone.store.acts("config.change", 0)[0]["purpose"].startswith("核核核")
    assert alone.store.verify_ledger().intact


def test_reading_without_a_purpose_is_itself_reported(reports: Any, raised: pb.Report) -> None:
    refusal(lambda: reports.RequestEvidence(evidence(raised, retrieval_record=pb.RetrievalRecord())))
    wanted = pb.ListReportsRequest(filter="rule = EVIDENCE_PURPOSELESS")

    assert until(lambda: next(iter(reports.ListReports(wanted).reports), None)).kind == pb.REPORT_KIND_MISUSE


def test_what_is_done_to_masks_and_settings_is_written_down_and_reported(reports: Any, reporting: Reporting) -> None:
    now = time.time()
    reporting.hear(
        ConfigChanged(
            subject=CAMERA, at=now, setting="declared_purpose", before="lobby", after="shop", actor="users/li"
        )
    )
    reporting.hear(MaskReduced(subject=CAMERA, at=now, change=MaskChange.LIFTED, actor="users/li"))
    reporting.hear(MaskRestored(subject=CAMERA, at=now + 1))
    wanted = pb.ListReportsRequest(filter="rule = MASK_REDUCED")

    report = until(lambda: next((one for one in reports.ListReports(wanted).reports if one.HasField("end_time")), None))
    written = [line.split('"action":"')[1].split('"')[0] for line in reporting.store.ledger_lines()]
    assert report.camera == CAMERA
    assert [action for action in written if not action.startswith("report.")] == [
        "config.change",
        "mask.reduce",
        "mask.restore",
    ]


def test_a_database_that_is_locked_for_a_while_loses_no_report(
    channel: grpc.Channel, reports: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("privacy.serve.reporting.TICK_S", 0.05)
    holder = sqlite3.connect(tmp_path / "reports.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    results(enforcement_grpc.EnforcementServiceStub(channel), [config(), *(frame(n, LIGHT) for n in range(12))])
    time.sleep(0.2)
    holder.execute("ROLLBACK")
    holder.close()

    assert until(lambda: next(iter(reports.ListReports(pb.ListReportsRequest()).reports), None)).camera == CAMERA


def test_what_cannot_be_written_is_tried_again(reporting: Reporting, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [DatabaseFullError("full"), DatabaseBusyError("locked")]
    enter = reporting.store.enter

    def reluctant(act: Act) -> int:
        if failures:
            raise failures.pop()
        return enter(act)

    monkeypatch.setattr("privacy.serve.reporting.TICK_S", 0.01)
    monkeypatch.setattr(reporting.store, "enter", reluctant)
    reporting.hear(MaskRestored(subject=CAMERA, at=time.time()))

    assert until(lambda: reporting.store.head().entries or None) == 1


def test_a_report_ends_while_cameras_of_another_policy_are_busy(alone: Reporting, clock: Clock) -> None:
    """Where something is heard all the time, whoever is heard no more must be missed all the same."""
    for event in looks("W" * 7):
        alone.hear(event, "order799")
    until(lambda: alone.store.going() or None)
    clock.now += policies.load("order799").reporting.settle_s

    def ended() -> bool | None:
        alone.hear(StreamOpened(subject=f"{CAMERA}-busy", at=clock.now), "guangdong")
        return None if alone.store.going() else True

    assert until(ended, 4.0)


def test_a_report_ends_although_more_is_heard_than_can_be_taken(
    alone: Reporting, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that waits can say that a finding goes on which had been over when that was heard."""
    for event in looks("W" * 7):
        alone.hear(event)
    until(lambda: alone.store.going() or None)
    clock.now += 100
    see = Folder.see

    def slow(folder: Folder, event: Event) -> list[Change]:
        time.sleep(0.05)
        return see(folder, event)

    monkeypatch.setattr(Folder, "see", slow)
    for _ in range(200):
        alone.hear(StreamOpened(subject=f"{CAMERA}-busy", at=clock.now))

    assert until(lambda: None if alone.store.going() else True, 8.0)
    assert alone.busy


def test_a_live_camera_has_one_report_beside_a_file_that_is_streamed_faster_than_it_was_taken(
    alone: Reporting, clock: Clock
) -> None:
    live, file = stream("1"), replace(stream_facts(f"{CAMERA}-file", "2"), registered=True)
    alone.opened(live)
    alone.opened(file)
    for second in range(30):
        clock.now += 1
        alone.answered(live, seen(second, State.PROHIBITED))
        for number in range(10):
            alone.answered(file, seen(10 * second + number, State.CLEAR))
    until(lambda: True if not alone.busy else None)

    assert [(change.report.rule, change.kind) for change in alone.store.changes(0)] == [
        ("PROHIBITED_VIEW", ChangeKind.NEW)
    ]


def test_a_stream_is_never_farther_ahead_than_it_may_be(alone: Reporting, clock: Clock) -> None:
    """Neither one that claims an hour of frames at once, nor the one that follows it."""
    for session in ("1", "2"):
        facts = stream(session)
        alone.opened(facts)
        for number in range(400):
            alone.answered(facts, replace(seen(number, State.CLEAR), verdict=verdict_at(9.0 * number, State.CLEAR)))
        for second in range(10):
            clock.now += 1
            alone.answered(facts, replace(seen(400, State.PROHIBITED), verdict=verdict_at(3600.0 + second)))
        until(lambda: True if not alone.busy else None)
        alone.closed(facts, None)
    until(lambda: True if not alone.busy else None)
    times = [time for change in alone.store.changes(0) for time in (change.report.start, change.report.until)]

    assert times
    assert max(times) <= clock.now + MAX_LEAD_S


@pytest.mark.parametrize(
    ("shown", "rules"),
    [
        pytest.param([1810], ["PROHIBITED_VIEW"], id="half an hour of a file, and then ten seconds of a washroom"),
        pytest.param([1800, 10], ["PROHIBITED_VIEW"], id="half an hour of a file, and the washroom in the next one"),
        pytest.param([1800, 4], [], id="a washroom that is seen for too short a time by any clock"),
    ],
)
def test_what_a_stream_shows_when_it_is_as_far_ahead_as_it_may_be_is_counted_by_its_own_clock(
    alone: Reporting, shown: list[int], rules: list[str]
) -> None:
    """`shown` are the seconds of files that are streamed at once, one after the other; the last ten show a washroom."""
    for session, seconds in enumerate(shown):
        facts = stream(str(session))
        alone.opened(facts)
        for number in range(seconds):
            last = session == len(shown) - 1 and number >= seconds - 10
            alone.answered(facts, seen(number, State.PROHIBITED if last else State.CLEAR))
        alone.closed(facts, None)
    until(lambda: True if not alone.busy else None)

    assert [change.report.rule for change in alone.store.changes(0)] == rules


def test_misuse_is_reported_after_a_stream_that_claimed_an_hour_of_frames_at_once(
    alone: Reporting, clock: Clock
) -> None:
    """Although what it showed in the future had been reported, and had ended, before the process was begun anew."""
    facts = stream("1")
    alone.opened(facts)
    for number in range(400):
        alone.answered(facts, replace(seen(number, State.CLEAR), verdict=verdict_at(9.0 * number, State.CLEAR)))
    for second in range(80):
        clock.now += 1
        state = State.PROHIBITED if second < 10 else State.CLEAR
        alone.answered(facts, replace(seen(400, state), verdict=verdict_at(3600.0 + second, state)))
    alone.closed(facts, None)
    until(lambda: True if not alone.busy else None)
    clock.now += 1
    before, now = alone.store.next_offset(), clock.now
    with Reporting(alone.store, {"guangdong": policies.load("guangdong")}) as anew:
        anew.opened(stream("2"))
        for second in range(30):
            clock.now += 1
            anew.answered(stream("2"), seen(second, State.PROHIBITED))
        until(lambda: True if not anew.busy else None)
    news = [one.report for one in alone.store.changes(before) if one.kind is ChangeKind.NEW]

    assert [(report.rule, report.start) for report in news] == [("PROHIBITED_VIEW", now + 1)]


def test_a_sealed_box_names_every_report_that_it_proves(alone: Reporting, clock: Clock) -> None:
    reports = shown_for(6, alone, clock)
    act = Act(actor="users/li", at=clock.now, action="evidence.request", subject="reports", purpose="a test")
    boxes = {one.name: alone.store.sealed(one.id, act)[0][0].box for one in reports}
    named = {name: read_header(io.BytesIO(box))["report"].split(", ") for name, box in boxes.items()}

    assert {one.rule for one in reports} == {"PROHIBITED_VIEW", "VIEW_CHANGED_TO_PRIVATE"}
    assert all(name in those for name, those in named.items())


def test_a_report_whose_picture_cannot_be_made_is_kept_without_one(
    alone: Reporting, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(frame: Frame, plan: MaskPlan) -> Frame:
        raise ValueError("it quotes what was to be hidden")

    monkeypatch.setattr("privacy.serve.reporting.mask", broken)

    assert {(one.rule, one.pictures) for one in shown_for(6, alone, clock)} >= {("PROHIBITED_VIEW", ())}


def test_the_ledger_verifies_itself(reports: Any, raised: pb.Report, reporting: Reporting) -> None:
    result = reports.VerifyLedger(pb.VerifyLedgerRequest())

    assert (result.intact, result.entries_checked) == (True, reporting.store.head().entries)
    assert result.signer_public_key == reporting.store.public_key


@pytest.mark.parametrize(
    ("statement", "span", "answer"),
    [
        pytest.param("", {}, (True, 6, 0), id="nobody has touched it"),
        pytest.param("", {"end_entry": 4}, (True, 3, 0), id="nobody has touched it, and a part is asked for"),
        pytest.param(ALTERED, {}, (False, 2, 3), id="an entry was altered"),
        pytest.param(ALTERED, {"start_entry": 1}, (False, 2, 3), id="and where to begin is said"),
        pytest.param(ALTERED, {"start_entry": 5}, (False, 0, 3), id="and what follows it is asked for"),
        pytest.param(ALTERED, {"end_entry": 7}, (False, 2, 3), id="and where to end is said"),
        pytest.param(ALTERED, {"end_entry": 4}, (False, 2, 3), id="and it is the last that is asked for"),
        pytest.param(ALTERED, {"end_entry": 3}, (True, 2, 0), id="what stands before it is whole"),
        pytest.param(GONE, {"end_entry": 4}, (False, 2, 3), id="the last that is asked for is gone"),
        pytest.param(UNSIGNED, {}, (False, 6, 7), id="nobody has signed the end"),
        pytest.param(UNREADABLE, {}, (False, 6, 7), id="the end is no digest"),
        pytest.param(UNSIGNED, {"end_entry": 7}, (False, 6, 7), id="and where to end is said"),
        pytest.param(UNSIGNED, {"end_entry": 4}, (False, 3, 4), id="nobody has signed the end of the part"),
    ],
)
def test_a_ledger_that_was_tampered_with_is_never_called_intact(
    alone: Reporting, statement: str, span: dict[str, int], answer: tuple[bool, int, int]
) -> None:
    """Who asks for a part is told of it alone; an entry is whole if every one before it is, and a head closes it."""
    for number in range(6):
        alone.store.enter(Act(actor=f"users/{number}", at=NOON, action="config.change", subject="s", purpose="a test"))
    with alone.store.database.begin() as database:  # as somebody does who owns the file
        database.execute(text("DROP TRIGGER ledger_fixed"))
        database.execute(text("DROP TRIGGER ledger_kept"))
        database.execute(text(statement or "SELECT 1"))
    said = ReportService(alone.store).VerifyLedger(pb.VerifyLedgerRequest(**span), Mock())

    assert (said.intact, said.entries_checked, said.first_broken_entry) == answer
    assert said.intact == (not said.finding)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda stub: stub.GetReport(pb.GetReportRequest(name="reports/nothing")), "NOT_FOUND"),
        (lambda stub: stub.GetReport(pb.GetReportRequest(name="x")), "INVALID_ARGUMENT"),
        (lambda stub: stub.ListReports(pb.ListReportsRequest(filter="x")), "INVALID_ARGUMENT"),
        (lambda stub: stub.ListReports(pb.ListReportsRequest(order_by="x")), "INVALID_ARGUMENT"),
        (lambda stub: stub.ListReports(pb.ListReportsRequest(page_token=CAMERA)), "INVALID_ARGUMENT"),
        (lambda stub: stub.ListReports(pb.ListReportsRequest(page_token=made_up("x"))), "INVALID_ARGUMENT"),
        (lambda stub: stub.ListReports(pb.ListReportsRequest(page_token=made_up("9" * 30))), "INVALID_ARGUMENT"),
        (lambda stub: stub.ReviewReport(pb.ReviewReportRequest(name="reports/1")), "INVALID_ARGUMENT"),
        (lambda stub: list(stub.WatchReports(pb.WatchReportsRequest(filter="x"))), "INVALID_ARGUMENT"),
    ],
)
def test_what_is_wrong_is_said(reports: Any, call: Callable[[Any], object], code: str) -> None:
    assert refusal(lambda: call(reports))[0] == code


def stream(session: str, *, registered: bool = True) -> StreamFacts:
    return replace(stream_facts(CAMERA, session), registered=registered)


def seen(number: int, state: State) -> Answer:
    zone = Zone.WASHROOM if state is State.PROHIBITED else None
    return Answer(
        sequence=number,
        verdict=Verdict(state, Reason.MODEL, float(number), zone, 0.99),
        plan=MaskPlan((WHOLE,), Effect()),
        stages=Stages(),
        exposure_frames=0,
        exposure_s=0.0,
    )


def verdict_at(offset: float, state: State = State.PROHIBITED) -> Verdict:
    return replace(seen(0, state).verdict, offset=offset)


class Elsewhere:
    """A process that serves streams; what it says waits in a pipe until it is let through."""

    def __init__(self, number: int, alone: Reporting) -> None:
        self.number, self.alone = number, alone
        self.pipe: list[Said] = []
        self.reporting = Reporting(alone.store, {"guangdong": policies.load("guangdong")}, relay=self.pipe.append)
        self.reporting.start()
        alone.join(number)

    def through(self) -> None:
        until(lambda: True if not self.reporting.busy else None)
        mark = time.monotonic()
        until(lambda: True if any(isinstance(said, float) and said > mark for said in self.pipe) else None)
        for said in self.pipe:
            self.alone.take(self.number, pickle.loads(pickle.dumps(said)))  # noqa: S301 - our own, as a pipe does
        self.pipe.clear()


@pytest.fixture
def processes(alone: Reporting) -> Iterator[tuple[Elsewhere, Elsewhere]]:
    both = Elsewhere(1, alone), Elsewhere(2, alone)
    yield both
    for one in both:
        one.reporting.stop()


def rules_of(alone: Reporting) -> set[str]:
    until(lambda: True if not alone.busy else None)
    return {report.rule for report in alone.store.known()}


@pytest.mark.parametrize("late", [0, 1], ids=["the first pipe is slow", "the second pipe is slow"])
def test_a_camera_that_goes_silent_in_one_process_and_comes_back_clear_in_another_is_reported(
    alone: Reporting, clock: Clock, processes: tuple[Elsewhere, Elsewhere], late: int
) -> None:
    first, second = (one.reporting for one in processes)
    first.opened(stream("a"))
    for number in range(8):
        first.answered(stream("a"), seen(number, State.PROHIBITED))
        clock.now += 1
    first.closed(stream("a"), None)
    clock.now += 20
    second.opened(stream("b"))
    for number in range(5):
        second.answered(stream("b"), seen(number, State.CLEAR))
        clock.now += 1
    for one in sorted(processes, key=lambda one: one.number == late + 1):
        one.through()
    for one in processes:
        one.through()  # a mark after everything

    assert rules_of(alone) == {"PROHIBITED_VIEW", "SILENT_WHILE_PROHIBITED"}


def test_a_connection_that_is_noticed_to_be_dead_late_does_not_end_the_one_that_replaced_it(
    alone: Reporting, clock: Clock, processes: tuple[Elsewhere, Elsewhere]
) -> None:
    """An unregistered camera would never be reported that breaks off once and comes back at once."""
    first, second = processes
    first.reporting.opened(stream("a", registered=False))
    second.reporting.opened(stream("b", registered=False))
    clock.now += 30
    first.reporting.closed(stream("a"), None)
    for number in range(70):
        clock.now += 10
        second.reporting.answered(stream("b", registered=False), seen(10 * number, State.CLEAR))
    for one in (first, second, first):
        one.through()

    assert "CAMERA_UNREGISTERED" in rules_of(alone)


def test_streams_of_a_process_that_dies_end_with_it(
    alone: Reporting, clock: Clock, processes: tuple[Elsewhere, Elsewhere]
) -> None:
    first, second = processes
    first.reporting.opened(stream("a"))
    first.through()
    alone.gone(1)
    clock.now += 1
    second.reporting.opened(stream("b"))
    for number in range(8):
        second.reporting.answered(stream("b"), seen(number, State.PROHIBITED))
        clock.now += 1
    second.reporting.closed(stream("b"), None)  # the last one, for "a" has ended
    clock.now += 20
    second.reporting.opened(stream("c"))
    second.reporting.answered(stream("c"), seen(0, State.CLEAR))
    second.through()

    assert "SILENT_WHILE_PROHIBITED" in rules_of(alone)


@pytest.mark.parametrize(
    ("error", "silent"),
    [
        pytest.param(None, True, id="the client ends it"),
        pytest.param(ProtocolError("the same number again"), True, id="the client makes a mistake"),
        pytest.param(UnauthenticatedError("the token is too old"), False, id="the server no longer takes its token"),
        pytest.param(DrainedError("the server stops"), False, id="the server stops"),
        pytest.param(PrivacyError("a mistake of ours"), False, id="the server fails"),
    ],
)
def test_a_camera_goes_silent_by_what_its_client_does_and_by_nothing_else(
    alone: Reporting, clock: Clock, error: PrivacyError | None, silent: bool
) -> None:
    alone.opened(stream("a"))
    for number in range(8):
        alone.answered(stream("a"), seen(number, State.PROHIBITED))
        clock.now += 1
    alone.closed(stream("a"), error)
    clock.now += 20
    alone.opened(stream("b"))
    alone.answered(stream("b"), seen(0, State.CLEAR))

    assert ("SILENT_WHILE_PROHIBITED" in rules_of(alone)) is silent
