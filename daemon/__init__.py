"""betterstack-signl4: polls Better Stack incidents and tells SIGNL4, which wakes the person on duty."""

__version__ = "0.1.0"
