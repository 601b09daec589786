"""Would somebody name the place? What two models that never saw a render make of the stills, and what ours does.

    privacy models add ../shared/corpus/models
    python benchmarks/renders.py --data ../shared/corpus --renders FOLDER --out benchmarks/results/renders

A well-lit still (by day or under tubes) is *named* if PicoDet-S finds one of the things of `TELLING` with a score of
0.4 or more, or SqueezeNet-Places365 has one of its words among its five best of 365. The table was written before
any model had looked at a still. The aim is 70 %.

What the two can name at all is measured on real photos of the corpus's train split by the same table: for each place
up to 40, evenly spaced in the manifest's order. A render cannot be asked to be named more often than a photo.
"""

import argparse
import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from privacy.errors import InputError
from privacy.models import catalogue
from privacy.models.detector import Detector
from privacy.models.onnx import open_session
from privacy.training.data import DATASETS, read_corpus, read_labels
from privacy.zones import Zone

AIM = 0.7
SURE = 0.4
TELLING: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "public_washroom": (("toilet", "sink"), ("bathroom", "shower", "jacuzzi/indoor")),
    "bathroom": (("toilet", "sink"), ("bathroom", "shower")),
    "bathhouse": ((), ("sauna", "swimming_pool/indoor", "jacuzzi/indoor", "shower", "bathroom")),
    "shower_room": ((), ("shower", "bathroom", "sauna", "locker_room")),
    "locker_room": ((), ("locker_room", "dressing_room", "closet", "storage_room")),
    "dormitory": (("bed",), ("dorm_room", "youth_hostel", "bedroom", "bedchamber", "childs_room")),
    "hotel_room": (("bed",), ("hotel_room", "bedroom", "bedchamber")),
    "fitting_room": ((), ("dressing_room", "closet", "clothing_store", "locker_room")),
    "lactation_room": (("couch", "refrigerator"), ("nursery", "waiting_room", "living_room", "childs_room")),
    "dining_box": (("dining table",), ("dining_room", "dining_hall", "restaurant", "banquet_hall")),
    "corridor": ((), ("corridor", "elevator_lobby", "hospital", "basement", "entrance_hall")),
    "lobby": (("couch",), ("lobby", "reception", "hotel/outdoor", "waiting_room", "living_room", "entrance_hall")),
    "elevator": ((), ("elevator/door", "elevator_lobby", "elevator_shaft", "locker_room", "shower")),
    "office": (("tv", "keyboard", "laptop"), ("office", "office_cubicles", "computer_room", "home_office")),
    "classroom": (("chair",), ("classroom", "lecture_room", "kindergarden_classroom", "art_school")),
    "canteen": (("dining table",), ("cafeteria", "fastfood_restaurant", "food_court", "dining_hall", "restaurant")),
    "laundry": ((), ("laundromat", "utility_room")),
    "shop": ((), ("supermarket", "general_store/indoor", "bookstore", "library/indoor", "pharmacy", "clothing_store")),
    "kitchen": (("oven", "refrigerator", "microwave"), ("kitchen", "restaurant_kitchen", "galley")),
    "ward_corridor": (("bed",), ("hospital", "hospital_room", "corridor", "nursing_home")),
    "warehouse": ((), ("warehouse/indoor", "storage_room", "loading_dock", "hardware_store", "archive")),
    "gym": ((), ("gymnasium/indoor", "martial_arts_gym", "physics_laboratory")),
    "car_park": (("car",), ("parking_lot", "parking_garage/outdoor", "parking_garage/indoor")),
}
"""By place: COCO's things, and words of Places365, any of which names it."""


def words(session: object, names: Sequence[str], image: NDArray[np.uint8]) -> list[str]:
    """Return the five best of Places365 for an RGB picture."""
    side = cv2.resize(image, (256, 256), interpolation=cv2.INTER_AREA)[16:240, 16:240, ::-1]
    planes = np.ascontiguousarray(side.transpose(2, 0, 1)[None], np.float32)
    run = session.run  # type: ignore[attr-defined] # ONNX Runtime has no types
    (scores,) = run(None, {session.get_inputs()[0].name: planes})  # type: ignore[attr-defined]
    return [names[index] for index in np.argsort(-scores.reshape(-1))[:5]]


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Return a picture as `(H, W, 3)` uint8 RGB.

    Raises:
        InputError: It is missing, or no picture.
    """
    picture = cv2.imread(str(path))
    if picture is None:
        raise InputError(f"no picture at {path.name}", path=path.name)
    return np.ascontiguousarray(picture[..., ::-1], np.uint8)


@dataclass(frozen=True, slots=True)
class Judges:
    """The two models that never saw a render."""

    detector: Detector
    session: object
    names: Sequence[str]

    @classmethod
    def load(cls, data: Path) -> "Judges":
        """Load them from the corpus."""
        folder = data / "models" / "squeezenet_places365"
        lines = (folder / "categories_places365.txt").read_text("utf-8").split("\n")
        names = [line.split(" ")[0][3:] for line in lines if line]
        session = open_session((folder / "squeezenet_places365.onnx").read_bytes(), name="places365", threads=1)
        return cls(catalogue.load_detector("picodet-s-416"), session, names)

    def name(self, image: NDArray[np.uint8], place: str) -> bool:
        """Tell whether either names the place."""
        things, places = TELLING[place]
        found = {seen.label for seen in self.detector.detect(image) if seen.score >= SURE}
        return bool(found & set(things)) or bool(set(words(self.session, self.names, image)) & set(places))


def real(judges: Judges, data: Path, places: Iterable[str], *, most: int = 40) -> dict[str, list[bool]]:
    """Return by place whether real photos of it are named, for places that the corpus shows."""
    photos = [photo for photo in read_corpus(data) if photo.split == "train"]
    ours = read_labels(DATASETS / "rendered" / "labels.toml")
    named = {}
    for place in places:
        alike = [photo for photo in photos if photo.meaning.place == ours[place].place]
        if len(alike) >= most // 2:
            some = [alike[index] for index in np.linspace(0, len(alike) - 1, min(most, len(alike))).astype(int)]
            named[place] = [judges.name(read_rgb(photo.path), place) for photo in some]
    return named


def measure(data: Path, renders: Path) -> dict[str, object]:
    """Return shares by place, and of all well-lit stills."""
    judges, zones = Judges.load(data), catalogue.load()
    with (renders / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["light"] in {"day", "tube"}]
    named: dict[str, list[bool]] = defaultdict(list)
    straight: list[bool] = []
    private: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        image = read_rgb(renders / row["file"])
        named[row["place"]].append(judges.name(image, row["place"]))
        if row["view"] != "fisheye":
            straight.append(named[row["place"]][-1])
        height, width = zones.input_size
        small = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        (evidence,) = zones.look([small], [0.0])
        private[row["place"]].append(1 - float(evidence.zones[Zone.PERMITTED]))
    every = [hit for hits in named.values() for hit in hits]
    photos = real(judges, data, sorted(named))
    both = [place for place in named if place in photos]
    return {
        "stills": len(every),
        "named": round(float(np.mean(every)), 3),
        "aim": AIM,
        "stills_not_fisheye": len(straight),
        "named_not_fisheye": round(float(np.mean(straight)), 3),
        "places_with_photos": len(both),
        "named_there": round(float(np.mean([np.mean(named[place]) for place in both])), 3),
        "photos_named_there": round(float(np.mean([np.mean(photos[place]) for place in both])), 3),
        "places": {
            place: {
                "stills": len(hits),
                "named": round(float(np.mean(hits)), 2),
                "photos_named": round(float(np.mean(photos[place])), 2) if place in photos else None,
                "p_prohibited": round(float(np.median(private[place])), 2),
            }
            for place, hits in sorted(named.items())
        },
        "model": zones.name,
    }


def table(result: dict[str, object]) -> str:
    """Return the result as Markdown."""
    places = result["places"]
    share = f"**{result['named']:.0%}** of {result['stills']} well-lit stills are named (aim: {result['aim']:.0%})"
    straight = f"{result['named_not_fisheye']:.0%} of the {result['stills_not_fisheye']} that no ceiling fisheye took"
    there = f"Over the {result['places_with_photos']} places that the corpus shows as well, the mean of the places is"
    lines = [
        "# Rendered stills, named by models that never saw a render",
        "",
        "`python benchmarks/renders.py --help` says what is counted.",
        "",
        f"{share}; {straight}.",
        "",
        f"{there} {result['named_there']:.0%} for stills and {result['photos_named_there']:.0%} for real photos.",
        "",
        f"| Place | Stills | Named | Real photos named | Median p(prohibited) by `{result['model']}` |",
        "|---|---|---|---|---|",
    ]
    if isinstance(places, dict):
        for name, row in places.items():
            photos = "" if row["photos_named"] is None else row["photos_named"]
            lines.append(f"| {name} | {row['stills']} | {row['named']} | {photos} | {row['p_prohibited']} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="The corpus, for its models.")
    parser.add_argument("--renders", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="Written as .json and .md.")
    asked = parser.parse_args()
    result = measure(asked.data, asked.renders)
    asked.out.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    asked.out.with_suffix(".md").write_text(table(result), "utf-8")
    print(table(result))


if __name__ == "__main__":
    main()
