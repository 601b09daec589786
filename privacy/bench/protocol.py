"""Every number that the protocol fixes. docs/benchmark.md explains them; a change of any is a new version."""

VERSION = "v1"
SCHEMA = "privacy.bench/1"
"""Of results.json."""
FALSE_ALARMS = {"0.1 %": 0.001, "1 %": 0.01, "5 %": 0.05}
"""Shares of the permitted pictures that may be let through, for recall."""
SHORT_SIDE = 320
"""Pictures are decoded to at most so many pixels on their short side before any model sees them."""
ROUNDS = 1000
"""Bootstrap resamples."""
LARGE_SOURCE = 100
"""A source of more photos is drawn photo by photo, a smaller one as a whole."""
BINS = 15
"""Of the calibration error."""
RIGHT_FROM = 0.1
"""A zone is named right if its share in the meaning of the label is larger: a home bedroom is either of two."""
CORRUPTED = 120
"""Photos that the corruptions are measured on."""
DOORS = 120
"""Open doors that localisation is measured on."""
MASKED_FROM = 0.5
"""Cells of a zone map are masked from this probability on."""
LOOK_BEHIND_S = 1.0
"""Frames of a stream wait this long, as in `privacy mask`."""
DAY_S = 86400.0
