"""Where frames come from: video files and cameras, pictures, and a generated scene."""
