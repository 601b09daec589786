"""Fingerprints of approved views, and what was hidden before it was hidden no more."""

import sqlalchemy as sa
from alembic import op

from privacy.database import Utc

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table and the column."""
    op.create_table(
        "views",
        sa.Column("site", sa.String(63), nullable=False),
        sa.Column("camera", sa.String(63), nullable=False),
        sa.Column("preset", sa.String(63), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("change", sa.String(16), nullable=False),
        sa.Column("change_time", Utc(), nullable=True),
        sa.ForeignKeyConstraint(
            ["site", "camera"],
            ["cameras.site", "cameras.camera"],
            name=op.f("fk_views_site_camera_cameras"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("site", "camera", "preset", name=op.f("pk_views")),
    )
    op.add_column("cameras", sa.Column("owed", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Drop them, with all that is in them."""
    op.drop_column("cameras", "owed")
    op.drop_table("views")
