"""Both services in miniature on loopback, and the demo that runs the real program against them.

Nothing here is needed to run the daemon, and nothing here leaves this machine.
"""
