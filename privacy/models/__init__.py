"""What looks at pictures: a visible catalogue, and the backends that run it."""

import os

# From 1.29 on, ONNX Runtime's Linux wheels write a device identifier into the user's cache and report models, sessions
# and errors to their maker unless this is set. They read it once, when they are imported, so that it stands here, above
# every module that does. https://github.com/microsoft/onnxruntime/pull/27379
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
