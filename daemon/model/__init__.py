"""The values that the others speak in."""
