"""Would somebody name the place? What two models that never saw a render make of the stills, and what ours does.

    privacy models add ../shared/corpus/models
    python benchmarks/renders.py --data ../shared/corpus --renders FOLDER --out benchmarks/results/renders

A well-lit still (by day or under tubes) is *named* if PicoDet-S finds one of the things of `TELLING` with a score of
0.4 or more, or SqueezeNet-Places365 has one of its words among its five best of 365. The table was written before
any model had looked at a still. The aim is 70 %.
"""

import argparse
import csv
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from privacy.errors import InputError
from privacy.models import catalogue
from privacy.models.onnx import open_session
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


def measure(data: Path, renders: Path) -> dict[str, object]:
    """Return shares by place, and of all well-lit stills."""
    folder = data / "models" / "squeezenet_places365"
    lines = (folder / "categories_places365.txt").read_text("utf-8").split("\n")
    names = [line.split(" ")[0][3:] for line in lines if line]
    session = open_session((folder / "squeezenet_places365.onnx").read_bytes(), name="places365", threads=1)
    detector, zones = catalogue.load_detector("picodet-s-416"), catalogue.load()
    with (renders / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["light"] in {"day", "tube"}]
    named: dict[str, list[bool]] = defaultdict(list)
    private: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        image = read_rgb(renders / row["file"])
        things, places = TELLING[row["place"]]
        found = {seen.label for seen in detector.detect(image) if seen.score >= SURE}
        named[row["place"]].append(bool(found & set(things)) or bool(set(words(session, names, image)) & set(places)))
        height, width = zones.input_size
        small = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        (evidence,) = zones.look([small], [0.0])
        private[row["place"]].append(1 - float(evidence.zones[Zone.PERMITTED]))
    every = [hit for hits in named.values() for hit in hits]
    return {
        "stills": len(every),
        "named": round(float(np.mean(every)), 3),
        "aim": AIM,
        "places": {
            place: {
                "stills": len(hits),
                "named": round(float(np.mean(hits)), 2),
                "p_prohibited": round(float(np.median(private[place])), 2),
            }
            for place, hits in sorted(named.items())
        },
        "model": zones.name,
    }


def table(result: dict[str, object]) -> str:
    """Return the result as Markdown."""
    places = result["places"]
    lines = [
        "# Rendered stills, named by models that never saw a render",
        "",
        "`python benchmarks/renders.py --help` says what is counted.",
        "",
        f"**{result['named']:.0%}** of {result['stills']} well-lit stills are named (aim: {result['aim']:.0%}).",
        "",
        f"| Place | Stills | Named | Median p(prohibited) by `{result['model']}` |",
        "|---|---|---|---|",
    ]
    if isinstance(places, dict):
        lines += [
            f"| {name} | {row['stills']} | {row['named']} | {row['p_prohibited']} |" for name, row in places.items()
        ]
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
