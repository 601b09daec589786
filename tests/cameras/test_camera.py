"""What may be registered."""

import pytest

from privacy.cameras.camera import Camera, Preset, Site, camera_name, camera_of, kept, site_of
from privacy.errors import FieldError
from privacy.plan import Polygon
from privacy.policy import Policy

TRIANGLE = Polygon(((0.0, 0.0), (1.0, 0.0), (0.5, 1.0)))


def camera(**changes: object) -> Camera:
    fields: dict[str, object] = {"name": "sites/a/cameras/b", "display_name": "Gate", "declared_purpose": "lobby"}
    return Camera(**(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name", ["", "sites", "sites/", "sites/a/", "site/a", "sites/a b", "sites/a/cameras/b", "/sites/a"]
)
def test_what_is_no_site(name: str) -> None:
    with pytest.raises(FieldError, match=r"must be sites/{site}"):
        site_of(name)


@pytest.mark.parametrize(
    "name", ["sites/a", "sites/a/cameras/", "sites/a/cameras/b/", "sites/a/camera/b", "sites/é/cameras/b", "a/b/c/d"]
)
def test_what_is_no_camera(name: str) -> None:
    with pytest.raises(FieldError, match=r"must be sites/{site}/cameras/{camera}"):
        camera_of(name)


@pytest.mark.parametrize("part", ["", "a" * 64, "a/b", "a b", "a\n", "é"])
def test_what_can_be_no_part_of_a_name(part: str) -> None:
    with pytest.raises(FieldError, match="`camera_id` must be"):
        camera_name("a", part)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        pytest.param({"display_name": " "}, "display_name", id="nothing to call it"),
        pytest.param({"display_name": "x" * 1025}, "display_name", id="too much to call it"),
        pytest.param({"labels": {"Floor": "1"}}, "labels", id="a label in capitals"),
        pytest.param({"labels": {"floor": "x" * 1025}}, "labels", id="a long label"),
        pytest.param({"labels": {f"l{n}": "" for n in range(65)}}, "labels", id="many labels"),
        pytest.param({"presets": (Preset(preset_id="a"), Preset(preset_id="a"))}, "presets", id="a preset twice"),
        pytest.param(
            {"presets": tuple(Preset(preset_id=p, static_zones=(TRIANGLE,) * 129) for p in "ab")},
            "presets.static_zones",
            id="too many zones in all",
        ),
    ],
)
def test_what_a_camera_may_not_be(changes: dict[str, object], field: str) -> None:
    with pytest.raises(FieldError) as caught:
        camera(**changes)

    assert caught.value.facts["field"] == field


def test_a_site_has_a_name_for_people() -> None:
    with pytest.raises(FieldError):
        Site(name="sites/a", display_name="")


@pytest.mark.parametrize("purpose", ["", "washroom", "Lobby"])
def test_a_purpose_that_the_policy_does_not_know_is_refused(rules: Policy, purpose: str) -> None:
    with pytest.raises(FieldError, match=r"policy guangdong knows: .*lobby"):
        camera(declared_purpose=purpose).checked(rules)


def test_every_zone_of_every_preset_is_hidden() -> None:
    two = camera(
        presets=(Preset(preset_id="a", static_zones=(TRIANGLE,)), Preset(preset_id="b", static_zones=(TRIANGLE,)))
    )

    assert two.static_zones == (TRIANGLE, TRIANGLE)


def test_who_draws_zones_approves_nothing_and_takes_no_approval_away() -> None:
    before = (Preset(preset_id="a", approver="tokens/1", approve_reason="seen"),)
    after = kept(before, (Preset(preset_id="a", static_zones=(TRIANGLE,)), Preset(preset_id="b", approver="me")))

    assert [(each.preset_id, each.approver, len(each.static_zones)) for each in after] == [
        ("a", "tokens/1", 1),
        ("b", "", 0),
    ]
