"""What is known of cameras: what each is for, and what it must never show."""
