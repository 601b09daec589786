"""Generated from proto/ by proto/generate.py with grpcio-tools 1.85.1; never edited."""
