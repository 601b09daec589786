"""Knows which place a surveillance camera looks into, and hides what the law says must not be seen."""
