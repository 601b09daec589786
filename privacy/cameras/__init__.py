"""What is known of cameras."""
