"""The vocabulary of places the law protects."""

from enum import IntEnum
from typing import Self


class Zone(IntEnum):
    """A kind of place; the value indexes every score array.

    Guangdong Decree 132 (rev. 2025), Art. 7, names guest rooms of hotels, dormitories of workers, students and
    others, public bathhouses, changing rooms and washrooms, "and other places that involve personal privacy".
    """

    PERMITTED = 0
    WASHROOM = 1
    BATHHOUSE = 2
    CHANGING_ROOM = 3
    DORMITORY = 4
    GUEST_ROOM = 5
    OTHER_PRIVATE = 6

    @property
    def slug(self) -> str:
        """Lower-case name as it stands in policy packs, model files and JSON."""
        return self.name.lower()

    @classmethod
    def of(cls, slug: str) -> Self:
        """Return the zone with this slug.

        Raises:
            KeyError: No zone has it.
        """
        return cls[slug.upper()]


PROHIBITED: tuple[Zone, ...] = tuple(zone for zone in Zone if zone is not Zone.PERMITTED)
