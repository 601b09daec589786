"""Static zones follow a camera that moves from preset to preset, and hide all of them while nobody knows."""

from collections.abc import Callable

import grpc
import pytest

from privacy.cameras.camera import Preset
from privacy.cameras.registry import Registry
from privacy.plan import Polygon
from privacy.serve.observer import Ptz
from privacy.serve.whereabouts import SETTLE_S, Whereabouts
from privacy.v1 import enforcement_service_pb2 as pb
from privacy.v1 import enforcement_service_pb2_grpc as pb_grpc
from privacy.v1 import frame_pb2, mask_pb2
from tests.serve.messages import DARK, LEFT, WHOLE, config, frame, results
from tests.serve.test_terms import (  # noqa: F401 - fixtures
    CLEAR,
    LEFT_HALF,
    RIGHT_HALF,
    channel_to,
    registered,
    registry,
    told,
)

RIGHT = mask_pb2.Polygon(points=[mask_pb2.Point(x=x, y=y) for x, y in ((0.5, 0), (1, 0), (1, 1), (0.5, 1))])
STEP = SETTLE_S / 4
PLACES = {"a": Ptz(preset="a"), "b": Ptz(preset="b", pan_deg=90), "-": Ptz(pan_deg=45), "?": None}
MOVED = {"p": Ptz(preset="a", pan_deg=3), "z": Ptz(preset="a", zoom=2.0)}


@pytest.mark.parametrize(
    ("said", "known"),
    [
        pytest.param("aaaaaaa", "____aaa", id="it settles first"),
        pytest.param("aaaaaabbbbbb", "____aa____bb", id="another preset settles anew"),
        pytest.param("aaaaaa--bbbbb", "____aa______b", id="on the way nobody knows"),
        pytest.param("aaaaaa?aaaaa", "____aa_____a", id="one frame that says nothing is enough"),
        pytest.param("aaaaaapppppp", "____aa____aa", id="a camera that turns is not where it says"),
        pytest.param("aaaaaazzzzzz", "____aa____aa", id="nor one that zooms"),
        pytest.param("??????", "______", id="who says nothing is nowhere"),
        pytest.param("------", "______", id="who stands at no preset neither"),
    ],
)
def test_where_a_camera_stands(said: str, known: str) -> None:
    """One letter a frame; `_` is nobody knows."""
    places = PLACES | MOVED
    camera = Whereabouts()

    assert known == "".join(camera.see(places[letter], number * STEP) or "_" for number, letter in enumerate(said))


@pytest.mark.parametrize("offsets", [[0.0, 0.0, 0.0, 0.0], [9.0, 8.0, 7.0, 6.0], [0.0, 5.0, 10.0, 15.0]])
def test_a_clock_that_does_not_go_on_as_it_should_settles_nothing(offsets: list[float]) -> None:
    camera = Whereabouts()

    assert [camera.see(PLACES["a"], offset) for offset in offsets] == [None] * 4


def said(number: int, letter: str) -> pb.EnforceStreamRequest:
    message = frame(number, DARK)
    message.frame.capture_offset.FromMilliseconds(number * 250)
    place = PLACES[letter]
    if place is not None:
        message.frame.ptz.CopyFrom(frame_pb2.PtzPosition(preset_id=place.preset, pan_deg=place.pan_deg))
    return message


@pytest.mark.parametrize("look_behind", [0, 1])
def test_a_running_stream_hides_the_zones_of_the_preset_and_all_of_them_on_the_way(
    channel_to: Callable[..., grpc.Channel],  # noqa: F811 - a fixture
    registry: Registry,  # noqa: F811 - a fixture
    look_behind: int,
) -> None:
    presets = tuple(Preset(preset_id=name, static_zones=(zone,)) for name, zone in zones().items())
    registered(registry, presets=presets)
    first = config()
    first.config.look_behind.FromSeconds(look_behind)
    letters = "a" * 30 + "-" * 4 + "b" * 12 + "?" * 4
    sent = [first, *(said(number, letter) for number, letter in enumerate(letters))]
    answers = results(pb_grpc.EnforcementServiceStub(channel_to()), sent)
    shown = ["".join(NAMES[region.SerializeToString()] for region in answer.mask_plan.regions) for answer in answers]
    clear = [answer.verdict.state == CLEAR for answer in answers]

    assert all(clear[20:46])
    assert shown[20:] == ["L"] * 10 + ["LR"] * 8 + ["R"] * 8 + ["LR"] * 4


def zones() -> dict[str, Polygon]:
    return {"a": LEFT_HALF, "b": RIGHT_HALF}


NAMES = {LEFT.SerializeToString(): "L", RIGHT.SerializeToString(): "R", WHOLE.SerializeToString(): "W"}
