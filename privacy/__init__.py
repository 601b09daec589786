"""Knows which place a surveillance camera looks into, and hides what the law says must not be seen.

```python
import privacy

model, rules = privacy.load_model(), privacy.load_policy()
with privacy.VideoSource("in.mp4") as source, privacy.VideoSink("out.mp4", source.info) as sink:
    for outcome in privacy.guard(source, model, rules, look_behind_s=1.0):
        sink.write(outcome.frame)
```
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from privacy.models.catalogue import load as load_model
    from privacy.models.catalogue import load_policy
    from privacy.pipeline import guard
    from privacy.sinks.video import VideoSink
    from privacy.sources.video import VideoSource

# The one side effect of importing this package. From 1.29 on, ONNX Runtime's Linux wheels write a device identifier to
# the user's cache and report models, sessions and errors to their maker, unless this is set before they are imported.
# https://github.com/microsoft/onnxruntime/pull/27379
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# Found when first asked for: `import privacy.zones` should not load a video decoder.
_HOMES = {
    "VideoSink": ("privacy.sinks.video", "VideoSink"),
    "VideoSource": ("privacy.sources.video", "VideoSource"),
    "guard": ("privacy.pipeline", "guard"),
    "load_model": ("privacy.models.catalogue", "load"),
    "load_policy": ("privacy.models.catalogue", "load_policy"),
}

__all__ = ["VideoSink", "VideoSource", "guard", "load_model", "load_policy"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'privacy' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)
