"""The gRPC face: translate, call the pipeline, translate. No rule about what is hidden lives here."""
