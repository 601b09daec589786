"""Masked copies lie below the folder that was asked for, whatever a camera is called."""

import pytest

from privacy.audit.copies import folder_of


@pytest.mark.parametrize(
    ("camera", "want"),
    [("gate", "gate"), ("", "camera"), ("..", "camera"), (".", "camera"), ("../../etc", ".._.._etc")],
)
def test_no_camera_leads_out_of_the_folder(camera: str, want: str) -> None:
    assert folder_of(camera) == want
