"""`INSERT … ON CONFLICT`: both databases have it, and SQLAlchemy has one construct for each."""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

from sqlalchemy import Connection, Insert


def by_dialect(build: Callable[[Callable[..., Any]], Insert]) -> Callable[[Connection], Insert]:
    """The statement for a connection, built once for each database. `build` gets the `insert` of that database."""

    @cache
    def built(dialect: str) -> Insert:
        return build(import_module(f"sqlalchemy.dialects.{dialect}").insert)

    return lambda connection: built(connection.dialect.name)
