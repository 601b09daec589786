"""Policy packs: one TOML file per jurisdiction, read by `privacy.policy`."""
