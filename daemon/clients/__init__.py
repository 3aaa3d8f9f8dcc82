"""The services and the way to them."""
