"""Sites, cameras and the tokens that open the service."""

import sqlalchemy as sa
from alembic import op

from privacy.database import Utc

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "sites",
        sa.Column("site", sa.String(63), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("create_time", Utc(), nullable=False),
        sa.Column("update_time", Utc(), nullable=False),
        sa.Column("etag", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("site", name=op.f("pk_sites")),
    )
    op.create_table(
        "cameras",
        sa.Column("site", sa.String(63), nullable=False),
        sa.Column("camera", sa.String(63), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("declared_purpose", sa.String(63), nullable=False),
        sa.Column("policy", sa.String(63), nullable=False),
        sa.Column("presets", sa.JSON(), nullable=False),
        sa.Column("sign_confirmed", sa.Boolean(), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("create_time", Utc(), nullable=False),
        sa.Column("update_time", Utc(), nullable=False),
        sa.Column("etag", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["sites.site"], name=op.f("fk_cameras_site_sites")),
        sa.PrimaryKeyConstraint("site", "camera", name=op.f("pk_cameras")),
    )
    op.create_table(
        "tokens",
        sa.Column("token", sa.String(16), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("create_time", Utc(), nullable=False),
        sa.Column("expire_time", Utc(), nullable=True),
        sa.Column("revoke_time", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_tokens_digest")),
    )


def downgrade() -> None:
    """Drop them, with all that is in them."""
    for table in ("tokens", "cameras", "sites"):
        op.drop_table(table)
