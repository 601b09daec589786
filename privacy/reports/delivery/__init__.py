"""Reports leave: every change, in order, at least once, to every receiver, whatever breaks in between."""
