from dataclasses import replace

import pytest

from privacy.errors import AccessError
from privacy.reports.access import Access, Approval, Authority, EvidenceRequest, Officer, check

KEY = bytes(32)
WANG, LI = Officer("王", "广州市公安局", "440101"), Officer("李", "广州市公安局", "440102")
REQUEST = EvidenceRequest(
    recorded_by="Hotel Pearl",
    retrieved_by="王",
    retrieved_at=1_773_288_000.0,
    purpose="案件 2026-0312",
    destination="广州市公安局",
    access=Access.COPY,
    authority=Authority.PUBLIC_SECURITY,
    officers=(WANG, LI),
    approval=Approval("粤公批〔2026〕12号", "广州市公安局", "陈", 1_773_200_000.0),
    confidentiality=True,
    recipient=KEY,
)
EXEMPT = replace(REQUEST, access=Access.READ, approval=None, exempt=True)


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(REQUEST, id="copying, with a document"),
        pytest.param(EXEMPT, id="public security reads, without one"),
        pytest.param(replace(EXEMPT, authority=Authority.STATE_SECURITY), id="state security reads, without one"),
    ],
)
def test_what_the_law_asks_for_is_enough(request_: EvidenceRequest) -> None:
    check(request_, frozenset({KEY}))


@pytest.mark.parametrize(
    ("changes", "article"),
    [
        ({"recorded_by": " "}, "18"),
        ({"retrieved_by": ""}, "18"),
        ({"destination": ""}, "18"),
        ({"purpose": "-"}, "18"),
        ({"retrieved_at": 0.0}, "18"),
        ({"access": None}, "22"),
        ({"authority": None}, "22"),
        ({"officers": (WANG,)}, "23"),
        ({"officers": (WANG, WANG)}, "23"),
        ({"officers": (WANG, replace(LI, credential=" "))}, "23"),
        ({"officers": (WANG, replace(LI, name=""))}, "23"),
        ({"approval": None}, "23"),
        ({"approval": Approval("", "x", "y", 1.0)}, "23"),
        ({"approval": Approval("1", "x", "y", 9e12)}, "23"),
        ({"confidentiality": False}, "23"),
        ({"exempt": True}, "22"),
        ({"exempt": True, "access": Access.READ, "authority": Authority.OTHER_ADMINISTRATION}, "22"),
        ({"recipient": bytes([1] * 32)}, "key"),
    ],
)
def test_what_is_missing_is_named(changes: dict[str, object], article: str) -> None:
    with pytest.raises(AccessError, match=article):
        check(replace(REQUEST, **changes), frozenset({KEY}))  # type: ignore[arg-type]
