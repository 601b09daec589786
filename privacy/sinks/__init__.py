"""Where outcomes go: video files and JSON lines."""
