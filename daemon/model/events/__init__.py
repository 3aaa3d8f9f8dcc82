"""What happens, as values. Whoever wants to know listens: the log does. docs/events.md is made from these.

A kind of event is a class; its docstring says what happened.
"""
