"""The life of the process: what runs when, and in which thread."""
