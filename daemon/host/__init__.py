"""The host system: log, clock, service manager, signals."""
