"""What looks at pictures: a visible catalogue, and the backends that run it."""
