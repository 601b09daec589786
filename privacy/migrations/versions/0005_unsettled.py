"""Views that had changed when their camera was removed: registered again, it is still a camera that was turned."""

import sqlalchemy as sa
from alembic import op

from privacy.database import Utc

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "unsettled_views",
        sa.Column("site", sa.String(63), nullable=False),
        sa.Column("camera", sa.String(63), nullable=False),
        sa.Column("preset", sa.String(63), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("change", sa.String(16), nullable=False),
        sa.Column("change_time", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("site", "camera", "preset", name=op.f("pk_unsettled_views")),
    )


def downgrade() -> None:
    """Drop it, with all that is in it."""
    op.drop_table("unsettled_views")
