import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from privacy.training.data import (
    DATASETS,
    Balance,
    DataError,
    Meaning,
    Photo,
    Vocabulary,
    draw_probabilities,
    held_out,
    load,
    read_ade20k,
    read_corpus,
    read_folders,
    read_labels,
    read_manifest,
    read_rendered,
)
from privacy.zones import Zone

CORPUS = DATASETS / "corpus" / "labels.toml"


def photo(label: str, source: str = "a", group: str = "") -> Photo:
    return Photo(Path("x.jpg"), label, read_labels(CORPUS)[label], source, group or source)


@pytest.mark.parametrize("path", sorted(DATASETS.glob("*/labels.toml")), ids=lambda path: path.parent.name)
def test_every_label_map_reads(path: Path) -> None:
    assert read_labels(path).meanings


@pytest.mark.parametrize("path", sorted(DATASETS.glob("*/labels.toml")), ids=lambda path: path.parent.name)
def test_every_set_has_a_card(path: Path) -> None:
    assert "lacks" in (path.parent / "CARD.md").read_text("utf-8").lower()


@pytest.mark.parametrize(
    ("label", "zone", "place"),
    [
        ("bathroom_home", Zone.WASHROOM, "bathroom"),
        ("bedroom_home", Zone.GUEST_ROOM, "bedroom"),
        ("dormitory", Zone.DORMITORY, "dormitory"),
        ("permitted:corridor", Zone.PERMITTED, "corridor"),
    ],
)
def test_what_labels_mean(label: str, zone: Zone, place: str) -> None:
    meaning = read_labels(CORPUS)[label]
    assert (zone, place) == (meaning.zone, meaning.place)


def test_a_label_nobody_mapped_is_refused() -> None:
    with pytest.raises(DataError, match="sauna_deck"):
        read_labels(CORPUS)["sauna_deck"]


def test_zone_shares_that_do_not_sum_to_one_are_refused() -> None:
    with pytest.raises(DataError, match="sum to 1"):
        Meaning({Zone.WASHROOM: 0.5}, "bathroom")


@pytest.mark.parametrize("shares", [{Zone.WASHROOM: float("nan")}, {Zone.WASHROOM: 2.0, Zone.PERMITTED: -1.0}])
def test_zone_shares_that_are_no_shares_are_refused(shares: dict[Zone, float]) -> None:
    with pytest.raises(DataError, match="in \\[0, 1\\]"):
        Meaning(shares, "bathroom")


@pytest.mark.parametrize("data", [b'place = "\xff"', b"a = " + b"[" * 5000, b"a = " + b"1" * 5000])
def test_a_label_map_that_cannot_be_read_is_a_clear_error(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "labels.toml").write_bytes(data)
    with pytest.raises(DataError, match=r"cannot read label map labels\.toml"):
        read_labels(tmp_path / "labels.toml")


@pytest.mark.parametrize(
    ("kind", "folder"),
    [
        pytest.param("places365", "val_256", id="pictures in no folder"),
        pytest.param("places365", "data_256/val/bathroom", id="the folder above the splits"),
        pytest.param("sun397", "data_256/SUN397/b/bathroom", id="the folder above the letters"),
        pytest.param("mit67", "data_256/Images/locker_room", id="the folder above the classes"),
        pytest.param("places365", "data_256/jacuzzi-indoor", id="a copy that names its folders otherwise"),
    ],
)
def test_a_private_place_is_not_permitted_by_default(tmp_path: Path, kind: str, folder: str) -> None:
    """Every number about such a set would be wrong, and none would look so."""
    picture = tmp_path / folder / "1.jpg"
    picture.parent.mkdir(parents=True)
    picture.touch()

    with pytest.raises(DataError, match=r"no folder below|reads like"):
        read_folders(tmp_path / Path(folder).parts[0], DATASETS / kind / "labels.toml", source=kind)


def test_rows_that_are_cut_off_are_clear_errors(tmp_path: Path) -> None:
    (tmp_path / "sceneCategories.txt").write_text("ADE_train_00000001\n")
    (tmp_path / "manifest.csv").write_text("file,zone_label,source,place,split\na.jpg,washroom,somebody,bathroom\n")

    with pytest.raises(DataError, match="a picture and a scene"):
        read_ade20k(tmp_path, DATASETS / "ade20k" / "labels.toml")
    with pytest.raises(DataError, match=r"a\.jpg has too few"):
        read_manifest(tmp_path, CORPUS)
    (tmp_path / "manifest.csv").write_text("file,place\na.jpg,corridor\n")
    with pytest.raises(DataError, match="no column 'split'"):
        read_rendered(tmp_path)


def test_a_zone_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.toml"
    path.write_text('[attic]\nzones = { attic = 1.0 }\nplace = ""\n')
    with pytest.raises(DataError, match=r"(?i)attic"):
        read_labels(path)


def test_no_corpus_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"manifest\.csv"):
        read_corpus(tmp_path)


def test_folders_of_places365_lose_their_letter(tmp_path: Path) -> None:
    labels = tmp_path / "labels.toml"
    labels.write_text('[bathroom]\nzones = { washroom = 1.0 }\nplace = "bathroom"\n')
    (tmp_path / "set" / "b" / "bathroom").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "set" / "b" / "bathroom" / "1.png"), np.zeros((8, 8, 3), np.uint8))
    (found,) = read_folders(tmp_path / "set", labels, source="places365")
    assert (found.label, found.meaning.zone) == ("bathroom", Zone.WASHROOM)


def test_ade20k_keeps_its_splits_apart(tmp_path: Path) -> None:
    (tmp_path / "sceneCategories.txt").write_text("ADE_train_00000001 bathroom\nADE_val_00000001 alley\n")
    labels = DATASETS / "ade20k" / "labels.toml"
    (train,) = read_ade20k(tmp_path, labels)
    (test,) = read_ade20k(tmp_path, labels, split="validation")
    assert (train.meaning.zone, train.split) == (Zone.WASHROOM, "train")
    assert (test.meaning.zone, test.meaning.place, test.split) == (Zone.PERMITTED, "alley", "test")


@pytest.mark.parametrize(
    ("region", "share", "washroom"),
    [
        pytest.param("", "0.0", 0.0, id="a shut door shows nothing"),
        pytest.param("regions/1.png", "0.05", 0.2, id="an open door counts by what it shows"),
        pytest.param("regions/1.png", "0.6", 1.0, id="a quarter of the picture is the whole answer"),
    ],
)
def test_a_rendered_corridor_is_as_private_as_what_its_door_shows(
    tmp_path: Path, region: str, share: str, washroom: float
) -> None:
    (tmp_path / "manifest.csv").write_text(
        f"file,place,split,room,region,region_share\na.jpg,corridor,train,1,{region},{share}\n"
        "b.jpg,corridor,test,2,,0.0\n"
    )
    (found,) = read_rendered(tmp_path)
    assert found.meaning.zones.get(Zone.WASHROOM, 0.0) == pytest.approx(washroom)


def test_no_renders_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"manifest\.csv"):
        read_rendered(tmp_path)


def test_load_shrinks_the_short_side_and_gives_rgb(tmp_path: Path) -> None:
    path = tmp_path / "red.png"
    red = np.zeros((300, 600, 3), np.uint8)
    red[..., 2] = 255
    cv2.imwrite(str(path), red)
    picture = load(Photo(path, "x", Meaning({Zone.PERMITTED: 1}, ""), "s"), short_side=100)
    assert picture.shape == (100, 200, 3)
    assert picture[0, 0].tolist() == [255, 0, 0]


def test_a_broken_file_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "broken.jpg"
    path.write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"broken\.jpg"):
        load(Photo(path, "x", Meaning({Zone.PERMITTED: 1}, ""), "s"))


def test_draws_give_each_zone_its_share() -> None:
    photos = [photo("bathroom_home")] * 500 + [photo("dormitory")] * 3 + [photo("permitted:corridor")] * 900
    chances = draw_probabilities(photos, Balance())
    assert chances.sum() == pytest.approx(1)
    assert chances[500:503].sum() == pytest.approx(Balance().shares["dormitory"])
    assert chances[:500].sum() == pytest.approx(Balance().shares["bathroom_home"])


def test_empty_rooms_are_drawn_more_often() -> None:
    photos = [photo("permitted:corridor")] * 50 + [photo("permitted:harbor")] * 50
    chances = draw_probabilities(photos, Balance())
    assert chances[0] == pytest.approx(Balance().empty * chances[-1])


def test_the_choosing_fold_hides_whole_small_sources() -> None:
    photos = [photo("dormitory", "fairyknowe_hostel")] * 3 + [photo("permitted:office", "miniplaces_rathull")] * 70
    hidden = held_out(photos)
    assert hidden[:3].all()
    assert hidden[3:].sum() == 10


def test_vocabulary_puts_private_places_first() -> None:
    photos = [photo("permitted:atrium")] * 9 + [photo("bathroom_home")] * 9 + [photo("permitted:pier")]
    words = Vocabulary.of(photos)
    assert (words.places, words.private) == (("bathroom", "atrium"), 1)
    assert words.place_index(photo("permitted:pier").meaning) == -1
    assert words.zone_target(photo("bathroom_home").meaning).sum() == pytest.approx(1)


@pytest.mark.skipif("PRIVACY_DATA" not in os.environ, reason="PRIVACY_DATA does not point at the corpus")
def test_the_corpus_reads_and_keeps_sources_apart() -> None:
    photos = read_corpus(Path(os.environ["PRIVACY_DATA"]))
    by_split = {split: {p.source for p in photos if p.split == split} for split in ("train", "test")}
    assert not by_split["train"] & by_split["test"]
    assert {Zone.PERMITTED, Zone.BATHHOUSE} <= {p.meaning.zone for p in photos if p.split == "test"}


def test_every_label_that_nobody_mapped_is_named_and_counted(tmp_path: Path) -> None:
    for folder, count in (("washroom", 1), ("attic", 2), ("moon", 1)):
        (tmp_path / folder).mkdir()
        for number in range(count):
            (tmp_path / folder / f"{number}.png").touch()

    with pytest.raises(DataError, match=r"'attic' \(2\), 'moon' \(1\)"):
        read_folders(tmp_path, DATASETS / "imagefolder" / "labels.toml", source="mine")


def test_pictures_may_be_shown_only_where_the_label_map_says_so(tmp_path: Path) -> None:
    (tmp_path / "labels.toml").write_text("redistributable = true\n")

    assert read_labels(tmp_path / "labels.toml").redistributable
    assert not read_labels(DATASETS / "corpus" / "labels.toml").redistributable


@pytest.mark.parametrize("line", ['toilet = "washroom"', 'toilet = { zones = "washroom", place = "wc" }'])
def test_a_label_map_in_another_form_says_which_form_it_wants(tmp_path: Path, line: str) -> None:
    path = tmp_path / "labels.toml"
    path.write_text(line, "utf-8")

    with pytest.raises(DataError, match=r"want for each label \[label\], zones = "):
        read_labels(path)
