"""`AuditService` over a real server: start, watch, cancel, go on, judge anew; and nothing outside of the roots."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2 as lro
from google.longrunning import operations_pb2_grpc as lro_grpc
from google.protobuf.duration_pb2 import Duration

from privacy import pages, policy
from privacy.audit import run
from privacy.audit.book import Book
from privacy.audit.jobs import Job, Jobs, Order
from privacy.audit.scan import Scan, Scanner, Task
from privacy.audit.terms import Terms
from privacy.errors import SinkError
from privacy.policy import Policy
from privacy.serve.audit_servicer import AuditService, Operations
from privacy.v1 import audit_service_pb2 as pb
from privacy.v1 import audit_service_pb2_grpc as pb_grpc
from privacy.v1 import verdict_pb2
from tests.audit.recordings import write_recording
from tests.toys import Bright

SLOWLY: list[float] = [0.0]


class Slow(Scanner):
    """Takes its time over each recording, so that there is something to cancel."""

    def scan(self, task: Task, beat: Callable[[], None] = lambda: None) -> Scan:
        time.sleep(SLOWLY[0])
        return super().scan(task, beat)


def make(rules: Policy, terms: Terms) -> Callable[[], Scanner]:
    return lambda: Slow(Bright(), rules, terms)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("root") / "archive"
    (folder / "hall").mkdir(parents=True)
    for number in range(3):
        write_recording(folder / "hall" / f"cam_20260301_08000{number}.mp4", [(10 + number, 24 + number)], level=205)
    (folder / "broken.mp4").write_bytes(b"no video")
    (folder.parent / "secret.mp4").write_bytes(b"not below the root")
    (folder / "link.mp4").symlink_to(folder.parent / "secret.mp4")
    return folder


@pytest.fixture
def jobs(root: Path, tmp_path: Path) -> Iterator[Jobs]:
    SLOWLY[0] = 0.0
    made = Jobs(tmp_path / "audits", [root], policy.load, make=make, workers=0)
    yield made
    made.stop()


@pytest.fixture
def channel(jobs: Jobs) -> Iterator[grpc.Channel]:
    server = grpc.server(futures.ThreadPoolExecutor(4))
    pb_grpc.add_AuditServiceServicer_to_server(AuditService(jobs, policy.DEFAULT, "zones-lite0"), server)
    lro_grpc.add_OperationsServicer_to_server(Operations(jobs), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as opened:
        yield opened
    server.stop(0).wait()


@pytest.fixture
def audits(channel: grpc.Channel) -> pb_grpc.AuditServiceStub:
    return pb_grpc.AuditServiceStub(channel)


def start(audits: pb_grpc.AuditServiceStub, *paths: str, **spec: object) -> lro.Operation:
    request = pb.StartAuditRequest(spec=pb.AuditSpec(paths=paths, refine=True, **spec))  # type: ignore[arg-type]
    return audits.StartAudit(request)


def wait(channel: grpc.Channel, operation: lro.Operation) -> lro.Operation:
    request = lro.WaitOperationRequest(name=operation.name, timeout=Duration(seconds=30))
    done: lro.Operation = lro_grpc.OperationsStub(channel).WaitOperation(request)
    return done


def test_an_audit_runs_to_its_end_and_says_what_it_found(
    channel: grpc.Channel, audits: pb_grpc.AuditServiceStub
) -> None:
    begun = start(audits, "hall")
    done = wait(channel, begun)
    answer = pb.Audit()
    done.response.Unpack(answer)
    found = audits.ListFindings(pb.ListFindingsRequest(parent=answer.name)).findings

    assert done.done
    assert answer.state == pb.AUDIT_STATE_SUCCEEDED
    assert (answer.progress.recordings_done, answer.progress.findings) == (3, 3)
    assert answer.prohibited_share.lower <= answer.prohibited_share.share <= answer.prohibited_share.upper
    assert found[0].path == "hall/cam_20260301_080000.mp4"
    assert found[0].zone == verdict_pb2.ZONE_WASHROOM
    assert found[0].start_offset.ToTimedelta().total_seconds() == pytest.approx(10, abs=1)
    assert found[0].legal_basis.clauses[0].citation == "Guangdong Decree 132 Art. 7"
    assert found[0].masked_thumbnails[0].startswith(b"\xff\xd8")


def test_what_cannot_be_read_makes_an_audit_incomplete(channel: grpc.Channel, audits: pb_grpc.AuditServiceStub) -> None:
    """A link that leads out of the root is refused like a file without permission: its content is never read."""
    answer = pb.Audit()
    wait(channel, start(audits, ".")).response.Unpack(answer)

    assert answer.state == pb.AUDIT_STATE_INCOMPLETE
    assert {one.path: one.reason for one in answer.progress.unreadable} == {
        "broken.mp4": "NOT_VIDEO",
        "link.mp4": "REFUSED",
    }


@pytest.mark.parametrize(
    "path",
    [
        *("", "..", "../secret.mp4", "hall/../../secret.mp4", "/etc/passwd", "@hall/list", "s3://bucket/x"),
        *("nowhere", "../*", "**x", "link.mp4", "a\0b"),
    ],
)
def test_no_path_leads_out_of_the_roots(audits: pb_grpc.AuditServiceStub, path: str) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        start(audits, path)

    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert audits.ListAudits(pb.ListAuditsRequest()).audits == []


def test_an_audit_is_cancelled_and_gone_on_with(channel: grpc.Channel, audits: pb_grpc.AuditServiceStub) -> None:
    SLOWLY[0] = 0.5
    begun = start(audits, "hall")
    name = begun.name.replace("operations", "audits")
    audits.CancelAudit(pb.CancelAuditRequest(name=name))
    cancelled = wait(channel, begun)
    SLOWLY[0] = 0.0
    again = audits.StartAudit(pb.StartAuditRequest(spec=pb.AuditSpec(resume=name)))
    done = wait(channel, again)

    assert cancelled.error.code == grpc.StatusCode.CANCELLED.value[0]
    assert again.name == begun.name
    assert done.HasField("response")
    assert len(audits.ListFindings(pb.ListFindingsRequest(parent=name)).findings) == 3


def test_an_order_that_is_repeated_starts_nothing_new(channel: grpc.Channel, audits: pb_grpc.AuditServiceStub) -> None:
    request = pb.StartAuditRequest(spec=pb.AuditSpec(paths=["hall"]), request_id="6d9ca4e0-4f2e-4e7e-8d70-1d3c1a1f6a11")
    first, second = audits.StartAudit(request), audits.StartAudit(request)
    wait(channel, first)

    assert first.name == second.name
    assert len(audits.ListAudits(pb.ListAuditsRequest()).audits) == 1


def test_an_audit_that_broke_off_with_its_service_says_so(
    root: Path, tmp_path: Path, jobs: Jobs, channel: grpc.Channel, audits: pb_grpc.AuditServiceStub
) -> None:
    SLOWLY[0] = 0.3
    begun = start(audits, "hall")
    time.sleep(0.1)
    other = Jobs(tmp_path / "audits", [root], policy.load, make=make, workers=0)  # the service as it starts again
    try:
        seen = other.job(begun.name.replace("operations", "audits"))
    finally:
        other.stop()
    wait(channel, begun)

    assert seen.status == "FAILED"


def test_an_audit_that_cannot_be_written_says_so_and_not_where(
    channel: grpc.Channel, audits: pb_grpc.AuditServiceStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise SinkError("/srv/audits/index.html: cannot be written: No space left on device")

    monkeypatch.setattr("privacy.audit.jobs.write_page", full)
    done = wait(channel, start(audits, "hall"))

    assert "written" in done.error.message
    assert "/srv" not in str(done)


def test_an_audit_for_which_the_disk_is_full_ends_no_other(
    channel: grpc.Channel, audits: pb_grpc.AuditServiceStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(book: Book, name: str, value: object) -> None:
        raise SinkError("database or disk is full")

    SLOWLY[0] = 0.3
    begun = start(audits, "hall")
    with monkeypatch.context() as disk:
        disk.setattr(Book, "state", full)
        failed = wait(channel, begun)
    done = wait(channel, start(audits, "hall"))

    assert failed.HasField("error")
    assert done.HasField("response")


def test_other_thresholds_are_tried_on_stored_scores(channel: grpc.Channel, audits: pb_grpc.AuditServiceStub) -> None:
    begun = start(audits, "hall")
    wait(channel, begun)
    name = begun.name.replace("operations", "audits")
    same = audits.SimulatePolicy(pb.SimulatePolicyRequest(audit=name))
    strict = audits.SimulatePolicy(
        pb.SimulatePolicyRequest(audit=name, thresholds=pb.PolicyThresholds(prohibited_above=0.99999999999))
    )
    with pytest.raises(grpc.RpcError) as raised:
        audits.SimulatePolicy(pb.SimulatePolicyRequest(audit=name, thresholds=pb.PolicyThresholds(clear_below=0.95)))

    assert (len(same.added), len(same.removed), len(same.changed)) == (0, 0, 0)
    assert len(strict.removed) == 3
    assert strict.prohibited_share.share == 0
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_findings_come_in_pages_and_through_filters(channel: grpc.Channel, audits: pb_grpc.AuditServiceStub) -> None:
    begun = start(audits, "hall")
    wait(channel, begun)
    name = begun.name.replace("operations", "audits")
    first = audits.ListFindings(pb.ListFindingsRequest(parent=name, page_size=2))
    second = audits.ListFindings(pb.ListFindingsRequest(parent=name, page_size=2, page_token=first.next_page_token))
    none = audits.ListFindings(pb.ListFindingsRequest(parent=name, filter="zone = DORMITORY"))

    assert [len(first.findings), len(second.findings), len(none.findings)] == [2, 1, 0]
    assert second.next_page_token == ""
    assert len({one.name for one in (*first.findings, *second.findings)}) == 3


def test_a_page_of_findings_reads_the_audit_and_its_policy_once(
    channel: grpc.Channel, audits: pb_grpc.AuditServiceStub, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = start(audits, "hall")
    wait(channel, begun)
    asked: list[str] = []
    job = jobs.job

    def counted(name: str) -> Job:
        asked.append(name)
        return job(name)

    monkeypatch.setattr(jobs, "job", counted)
    page = audits.ListFindings(pb.ListFindingsRequest(parent=begun.name.replace("operations", "audits")))

    assert (len(page.findings), len(asked)) == (3, 1)


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        pytest.param({"policy": "/etc/passwd"}, grpc.StatusCode.INVALID_ARGUMENT, id="a policy by its path"),
        pytest.param({"model": "nowhere"}, grpc.StatusCode.NOT_FOUND, id="no such model"),
        pytest.param({"max_decode_ratio": 2.0}, grpc.StatusCode.INVALID_ARGUMENT, id="more than everything"),
        pytest.param(
            {"min_event_duration": Duration(seconds=-1)}, grpc.StatusCode.INVALID_ARGUMENT, id="less than nothing"
        ),
        pytest.param({"raise_reports": True}, grpc.StatusCode.UNIMPLEMENTED, id="reports"),
        pytest.param({"resume": "audits/../../x"}, grpc.StatusCode.NOT_FOUND, id="no such audit"),
    ],
)
def test_what_cannot_be_ordered_is_refused(
    audits: pb_grpc.AuditServiceStub, spec: dict[str, object], code: grpc.StatusCode
) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        start(audits, "hall", **spec)

    assert raised.value.code() is code


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.write_bytes(b"no book at all" * 999), id="no database"),
        pytest.param(lambda path: path.write_bytes(b""), id="an empty one"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:4096]), id="one that was cut off"),
    ],
)
def test_an_audit_whose_book_is_broken_spoils_no_other(
    channel: grpc.Channel, audits: pb_grpc.AuditServiceStub, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    whole, broken = start(audits, "hall"), start(audits, "hall")
    for one in (whole, broken):
        wait(channel, one)
    key = broken.name.removeprefix("operations/")
    damage(tmp_path / "audits" / key / "audit.db")
    listed = {one.name: one.state for one in audits.ListAudits(pb.ListAuditsRequest()).audits}
    with pytest.raises(grpc.RpcError) as raised:
        audits.GetAudit(pb.GetAuditRequest(name=f"audits/{key}"))
    third = audits.StartAudit(pb.StartAuditRequest(spec=pb.AuditSpec(paths=["hall"]), request_id="another"))

    assert listed == {
        whole.name.replace("operations", "audits"): pb.AUDIT_STATE_SUCCEEDED,
        f"audits/{key}": pb.AUDIT_STATE_FAILED,
    }
    assert raised.value.code() is grpc.StatusCode.DATA_LOSS
    assert str(tmp_path) not in str(raised.value)
    assert wait(channel, third).HasField("response")


def rewritten(statement: str) -> Callable[[Path], object]:
    """Return what changes a book as a flipped bit or a torn page may."""

    def damage(path: Path) -> None:
        with closing(sqlite3.connect(path)) as book, book:
            book.execute(statement)

    return damage


def torn(path: Path) -> None:
    """Write over everything but the first page, as a failing disk may."""
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))


FINDINGS_DAMAGED = [
    pytest.param(torn, id="torn pages"),
    pytest.param(lambda path: path.write_bytes(path.read_bytes()[:4096]), id="cut off"),
    pytest.param(lambda path: path.write_bytes(b"no book at all" * 999), id="no book"),
    pytest.param(rewritten("DROP TABLE finding"), id="no findings"),
    pytest.param(rewritten("UPDATE finding SET value = substr(value, 1, 40)"), id="half a finding"),
    pytest.param(rewritten("UPDATE finding SET value = '[]'"), id="a finding without anything"),
    pytest.param(rewritten("UPDATE finding SET value = replace(value, 'washroom', 'wbshroom')"), id="no such zone"),
    pytest.param(rewritten("UPDATE finding SET value = CAST(x'ff' AS TEXT)"), id="no text"),
]
LOOKS_DAMAGED = [
    *FINDINGS_DAMAGED[:3],
    pytest.param(rewritten("UPDATE part SET looks = substr(looks, 1, 9)"), id="half of the looks"),
    pytest.param(rewritten("UPDATE part SET places = '{'"), id="no places"),
    pytest.param(rewritten("DELETE FROM fact WHERE name = 'terms'"), id="no terms"),
]


@pytest.mark.parametrize(
    ("ask", "damage"),
    [
        *(
            pytest.param(lambda audits, name: audits.ListFindings(pb.ListFindingsRequest(parent=name)), *each.values,
                         id=f"findings: {each.id}")
            for each in FINDINGS_DAMAGED
        ),
        *(
            pytest.param(lambda audits, name: audits.SimulatePolicy(pb.SimulatePolicyRequest(audit=name)), *each.values,
                         id=f"simulate: {each.id}")
            for each in LOOKS_DAMAGED
        ),
    ],
)  # fmt: skip
def test_whoever_asks_for_what_is_damaged_is_told_so_and_not_where_it_lies(
    channel: grpc.Channel,
    audits: pb_grpc.AuditServiceStub,
    tmp_path: Path,
    ask: Callable[[pb_grpc.AuditServiceStub, str], object],
    damage: Callable[[Path], object],
) -> None:
    whole, broken = start(audits, "hall"), start(audits, "hall")
    for one in (whole, broken):
        wait(channel, one)
    damage(tmp_path / "audits" / broken.name.removeprefix("operations/") / "audit.db")
    with pytest.raises(grpc.RpcError) as raised:
        ask(audits, broken.name.replace("operations", "audits"))
    others = audits.ListFindings(pb.ListFindingsRequest(parent=whole.name.replace("operations", "audits")))

    assert raised.value.code() is grpc.StatusCode.DATA_LOSS
    assert "damaged" in str(raised.value.details())
    assert str(tmp_path) not in str(raised.value)
    assert len(others.findings) == 3


def test_a_book_that_somebody_else_holds_is_not_called_damaged(
    channel: grpc.Channel, audits: pb_grpc.AuditServiceStub, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = start(audits, "hall")
    wait(channel, begun)

    def locked(*_: object) -> None:
        error = sqlite3.OperationalError("database is locked")
        error.sqlite_errorcode = sqlite3.SQLITE_BUSY
        raise error

    monkeypatch.setattr(Book, "findings", locked)
    with pytest.raises(grpc.RpcError) as raised:
        audits.ListFindings(pb.ListFindingsRequest(parent=begun.name.replace("operations", "audits")))

    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


def test_nobody_waits_while_an_archive_is_listed(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    order = Order(paths=("hall",), terms=Terms(policy=policy.DEFAULT, model="zones-lite0"), request_id="once")
    first = jobs.start(replace(order, request_id=""))
    listing, listed = threading.Event(), threading.Event()
    begin = run.begin

    def slowly(*arguments: Any, **options: Any) -> Book:
        listing.set()
        assert listed.wait(20)
        return begin(*arguments, **options)

    monkeypatch.setattr(run, "begin", slowly)
    with futures.ThreadPoolExecutor(4) as threads:
        started = [threads.submit(jobs.start, order) for _ in range(2)]
        assert listing.wait(20)
        try:
            cancelled = threads.submit(jobs.cancel, first.name).result(10)
            resumed = threads.submit(jobs.resume, first.name).result(10)
            known = [job.name for job in jobs.jobs()]
        finally:
            listed.set()

    assert known == [cancelled.name] == [resumed.name] == [first.name]
    assert len({one.result().name for one in started}) == 1
    assert len(jobs.jobs()) == 2


@pytest.mark.parametrize("spec", [pb.AuditSpec(paths=["hall"]), pb.AuditSpec(resume="audits/x")])
def test_a_request_id_that_is_too_long_is_refused(audits: pb_grpc.AuditServiceStub, spec: pb.AuditSpec) -> None:
    """Cut off, two orders might look like one."""
    with pytest.raises(grpc.RpcError) as raised:
        audits.StartAudit(pb.StartAuditRequest(spec=spec, request_id="x" * 65))

    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert audits.ListAudits(pb.ListAuditsRequest()).audits == []


@pytest.mark.parametrize("after", ["x", "9" * 30])
def test_a_page_token_that_somebody_made_up_is_refused(
    channel: grpc.Channel, audits: pb_grpc.AuditServiceStub, after: str
) -> None:
    begun = start(audits, "hall")
    wait(channel, begun)
    parent = begun.name.replace("operations", "audits")
    with pytest.raises(grpc.RpcError) as raised:
        audits.ListFindings(pb.ListFindingsRequest(parent=parent, page_token=pages.token_of(after, parent, "")))

    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("name", ["audits/x", "", "audits/00000000000000000000000000000000"])
def test_an_audit_that_is_not_there_is_not_found(audits: pb_grpc.AuditServiceStub, name: str) -> None:
    for call in (
        lambda: audits.GetAudit(pb.GetAuditRequest(name=name)),
        lambda: audits.CancelAudit(pb.CancelAuditRequest(name=name)),
        lambda: audits.ListFindings(pb.ListFindingsRequest(parent=name)),
        lambda: audits.SimulatePolicy(pb.SimulatePolicyRequest(audit=name)),
    ):
        with pytest.raises(grpc.RpcError) as raised:
            call()
        assert raised.value.code() is grpc.StatusCode.NOT_FOUND


def test_an_audit_is_not_deleted_over_the_wire(channel: grpc.Channel, audits: pb_grpc.AuditServiceStub) -> None:
    begun = start(audits, "hall")
    wait(channel, begun)
    operations = lro_grpc.OperationsStub(channel)

    with pytest.raises(grpc.RpcError) as refused:
        operations.DeleteOperation(lro.DeleteOperationRequest(name=begun.name))

    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert "not deleted" in str(refused.value.details())
    assert operations.GetOperation(lro.GetOperationRequest(name=begun.name)).done
