"""`privacy zones`, end to end."""

import json
from pathlib import Path

from click.testing import CliRunner

from privacy.cli.zones import zones

TRIANGLE = [[0.25, 0.25], [0.75, 0.25], [0.5, 0.5]]


def test_a_triangle_becomes_the_rectangle_around_it(tmp_path: Path) -> None:
    file = tmp_path / "zones.json"
    file.write_text(json.dumps({"presets": {"door": [TRIANGLE]}}))
    result = CliRunner().invoke(zones, [str(file), "--view", "door"], catch_exceptions=False)

    assert json.loads(result.stdout) == {"polygons": [[[0.25, 0.25], [0.75, 0.25], [0.75, 0.5], [0.25, 0.5]]]}


def test_onvif_counts_from_the_middle_and_upwards(tmp_path: Path) -> None:
    file = tmp_path / "zones.json"
    file.write_text(json.dumps({"polygons": [TRIANGLE]}))
    result = CliRunner().invoke(zones, [str(file), "--onvif"], catch_exceptions=False)

    assert json.loads(result.stdout)["polygons"] == [[[-0.5, 0.5], [0.5, 0.5], [0.5, 0.0], [-0.5, 0.0]]]
