"""Events as values, for listeners such as the log. docs/events.md is generated from these classes.

Each kind of event is a class; its docstring says what happened.
"""
