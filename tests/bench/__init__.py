"""What the program costs."""
