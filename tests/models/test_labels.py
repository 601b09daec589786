"""What somebody else's classes mean to the law."""

from pathlib import Path

import numpy as np
import pytest

from privacy.errors import InputError
from privacy.models import labels
from privacy.models.labels import LabelMap
from privacy.zones import Zone

CLASSES = ("loo", "hall", "urinal")
SLUGS = {"loo": "washroom", "hall": "permitted", "urinal": "washroom"}


def test_a_zone_is_as_likely_as_its_classes_together() -> None:
    scores = LabelMap.of(SLUGS, CLASSES).scores(np.array([[0.5, 0.3, 0.2]], np.float32))

    assert scores.shape == (1, len(Zone))
    assert scores[0, [Zone.PERMITTED, Zone.WASHROOM]].tolist() == pytest.approx([0.3, 0.7])
    assert scores.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("slugs", "says"),
    [
        pytest.param({"loo": "washroom", "hall": "permitted"}, "says nothing of 'urinal'", id="a class is unmapped"),
        pytest.param(SLUGS | {"lift": "permitted"}, "no class 'lift'", id="a name is no class"),
        pytest.param(SLUGS | {"loo": "toilet"}, "zone of 'loo'", id="a value is no zone"),
        pytest.param(SLUGS | {"loo": 1}, "zone of 'loo'", id="a value is no text"),
        pytest.param(SLUGS | {"loo": ["washroom"]}, "zone of 'loo'", id="a value is a list"),
        pytest.param(dict.fromkeys(CLASSES, "washroom"), "permitted", id="nothing is permitted"),
        pytest.param(dict.fromkeys(CLASSES, "permitted"), "prohibited", id="nothing is prohibited"),
    ],
)
def test_a_map_that_does_not_fit_is_refused(slugs: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        LabelMap.of(slugs, CLASSES)


def test_many_unmapped_classes_are_counted() -> None:
    with pytest.raises(InputError, match="and 995 more"):
        LabelMap.of({}, [str(index) for index in range(1000)])


def test_a_file_may_name_classes_with_spaces(tmp_path: Path) -> None:
    file = tmp_path / "map.toml"
    file.write_text('"shower room" = "bathhouse"\nhall = "permitted"\n', "utf-8")

    assert labels.read(file) == {"shower room": "bathhouse", "hall": "permitted"}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"loo washroom", id="no TOML"),
        pytest.param(b"\xff\xfe\x00", id="no text"),
        pytest.param(b"hall = " + b"9" * 5000, id="too long a number"),
        pytest.param(b"hall = " + b"[" * 10_000, id="nested"),
        pytest.param(b"#" * (labels.MAX_BYTES + 1), id="too large"),
    ],
)
def test_what_is_no_label_map_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "map.toml").write_bytes(content)

    with pytest.raises(InputError, match="no label map"):
        labels.read(tmp_path / "map.toml")


def test_a_missing_file_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        labels.read(tmp_path / "map.toml")
