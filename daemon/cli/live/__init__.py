"""The parts of `watch`."""
