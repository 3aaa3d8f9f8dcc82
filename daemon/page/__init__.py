"""A page in HTML without scripts."""
