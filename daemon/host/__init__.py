"""The machine: its log, its clock, its service manager, its signals."""
