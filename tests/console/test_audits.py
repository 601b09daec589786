"""Audits as pages: what was found, with masked pictures only."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from privacy import policy
from privacy.audit.jobs import OPEN, Job, Jobs, Order
from privacy.audit.scan import Scanner
from privacy.audit.terms import Terms
from privacy.policy import Policy
from privacy.tokens import Role
from tests.audit.recordings import write_recording
from tests.console.conftest import World
from tests.toys import Bright


def make(rules: Policy, terms: Terms) -> Callable[[], Scanner]:
    return lambda: Scanner(Bright(), rules, terms)


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    (tmp_path / "archive").mkdir()
    write_recording(tmp_path / "archive" / "cam_20260301_080000.mp4", [(10, 24)], level=205)
    (tmp_path / "archive" / "<img src=x>.mp4").write_bytes(b"no video")
    made = Jobs(tmp_path / "audits", [tmp_path / "archive"], policy.load, make=make, workers=0)
    yield made
    made.stop()


@pytest.fixture
def job(jobs: Jobs) -> Job:
    """An audit that has ended: one finding, one file that is no video."""
    job = jobs.start(Order(paths=("*.mp4",), terms=Terms(policy="guangdong", model="zones-lite0")))
    end = time.monotonic() + 60
    while job.status in OPEN and time.monotonic() < end:
        time.sleep(0.05)
        job = jobs.job(job.name)
    return job


def test_an_audit_says_what_it_found_and_what_it_could_not_read(world: World, jobs: Jobs, job: Job) -> None:
    browser = world.browser(Role.AUDITOR, jobs=jobs)
    index, page = browser.get("/audits").text, browser.get(f"/{job.name}").text

    assert f"/console/{job.name}" in index
    assert "Done in part" in page
    assert "washroom" in page
    assert "&lt;img src=x&gt;.mp4" in page
    assert "<img src=x" not in index + page


def test_its_pictures_are_masked(world: World, jobs: Jobs, job: Job) -> None:
    browser = world.browser(Role.AUDITOR, jobs=jobs)
    links = re.findall(r'src="/console(/audits/[^"]+)"', browser.get(f"/{job.name}").text)
    answers = [browser.get(link) for link in links]
    pictures = [cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_GRAYSCALE) for answer in answers]

    assert pictures
    assert all(picture is not None and picture.max() < 40 for picture in pictures)


@pytest.mark.parametrize("path", ["/audits/x", "/audits/" + "0" * 32, "/audits/..%2f..", "/audits/{job}/findings/99/0"])
def test_an_audit_that_there_is_not(world: World, jobs: Jobs, job: Job, path: str) -> None:
    browser = world.browser(Role.AUDITOR, jobs=jobs)

    assert browser.get(path.replace("/audits/{job}", f"/{job.name}")).status_code == 404
