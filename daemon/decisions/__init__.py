"""Decisions: pure functions from known facts to actions."""
