"""The models: what there is, what looks, and the digest that each must have."""

from dataclasses import dataclass

from starlette.responses import Response

from privacy.console.desk import Asked, Desk
from privacy.models import catalogue
from privacy.models.card import ModelCard


@dataclass(frozen=True, slots=True)
class Row:
    """A model of the catalogue.

    Attributes:
        card: Its card.
        here: True if its weights lie on this machine.
        looks: True if it is what looks at the streams.
    """

    card: ModelCard
    here: bool
    looks: bool


def index(desk: Desk, asked: Asked) -> Response:
    """Return every model."""
    rows = [Row(card, catalogue.path_of(card).is_file(), card.name == desk.model) for card in catalogue.cards()]
    packs = sorted(desk.policies.values(), key=lambda pack: (pack.name != desk.policy, pack.name))
    return desk.page("models.html", asked, models=sorted(rows, key=lambda row: not row.looks), packs=packs)
