"""Which third-party detectors find people, faces and screens, and how they are loaded."""

from collections.abc import Collection

from privacy.errors import ModelNotFoundError
from privacy.models import catalogue
from privacy.models.detector import Detector
from privacy.policy import Policy, Subject

DETECTORS = {
    Subject.PEOPLE: "picodet-s-416",
    Subject.FACES: "yunet-n",
    Subject.HEADS: "picodet-s-416",
    Subject.SCREENS: "picodet-s-416",
}
FACE_SIDE = 960
"""Longest side of what the face detector sees: half again the usual, and twice as many far faces found (measured). The
rest is found in tiles."""


def detectors(wanted: Collection[Subject], rules: Policy) -> dict[Subject, Detector]:
    """Load what finds the subjects; one detector may find several.

    Raises:
        ModelNotFoundError: Its weights are not on this machine.
    """
    loaded: dict[Subject, Detector] = {}
    missing: dict[str, ModelNotFoundError] = {}
    for name in sorted({DETECTORS[subject] for subject in wanted}):
        found = [subject for subject in wanted if DETECTORS[subject] == name]
        score = min(rules.subjects.scores[subject] for subject in found)
        try:
            detector = catalogue.load_detector(
                name, min_score=score, longest_side=FACE_SIDE if name == DETECTORS[Subject.FACES] else None
            )
        except ModelNotFoundError as error:
            missing[name] = error
        else:
            loaded |= dict.fromkeys(found, detector)
    if missing:
        names, found = " ".join(missing), [subject for subject in wanted if DETECTORS[subject] in missing]
        raise ModelNotFoundError(
            f"hiding {', '.join(sorted(found))} needs the weights of {' and '.join(missing)}; "
            f"run: privacy models pull {names}, or: privacy models add FOLDER {names}",
            model=names,
        ) from next(iter(missing.values()))
    return loaded
