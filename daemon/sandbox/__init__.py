"""Simulators of both services on loopback, and the demo that runs the real program against them.

The daemon does not need any of it, and nothing leaves this machine.
"""
