"""Both services in miniature, and the demo, against what is known and promised."""
