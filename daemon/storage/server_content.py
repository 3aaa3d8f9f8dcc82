"""What is in the database on a server, before anything is changed there: the tables, and the revision of the schema."""

from contextlib import closing
from dataclasses import dataclass

import psycopg
from psycopg.rows import class_row

from daemon.model.errors import DatabaseBusyError, DatabaseUnusableError
from daemon.storage.place import shown
from daemon.storage.server_connection import Bounded, connect
from daemon.storage.server_errors import is_lasting, why

SECONDS = 15
"""Longest wait for the server, and then for its catalog."""
ENCODING = "UTF8"
STAMP = "alembic_version"
# Tables of extensions do not count: whoever made the database may have put them there.
_CONTENT = """
SELECT current_user::text AS "user", current_schema()::text AS schema, current_setting('server_encoding') AS encoding,
    has_schema_privilege(current_schema(), 'CREATE') AS may_create,
    ARRAY(SELECT relname::text FROM pg_class
        WHERE relnamespace = to_regnamespace(quote_ident(current_schema())) AND relkind IN ('r', 'p')
        AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')) AS tables
"""


@dataclass(frozen=True, slots=True)
class _Content:
    """What is in the first schema of the user's search path, where all tables are made."""

    user: str
    schema: str | None
    encoding: str
    may_create: bool | None
    tables: list[str]


def content_of(url: str) -> tuple[set[str], str | None]:
    """The names of the tables, and the revision if there is a stamp.

    Raises `DatabaseUnusableError` if there are none and none can be made, or if a person has to mend something, and
    `DatabaseBusyError` if the server may be back in a while.
    """
    try:
        with closing(connect(url, SECONDS)) as connection:
            return content_on(connection, url)
    except psycopg.Error as error:
        kind = DatabaseUnusableError if is_lasting(error) else DatabaseBusyError
        raise kind(f"{shown(url)} cannot be read: {why(error)}") from None


def content_on(connection: Bounded, url: str) -> tuple[set[str], str | None]:
    """The same on a connection. Raises the driver's errors, too."""
    content = connection.cursor(row_factory=class_row(_Content)).execute(_CONTENT).fetchone()
    assert content is not None
    if content.encoding != ENCODING:
        raise DatabaseUnusableError(
            f"{shown(url)} has the encoding {content.encoding}, which lacks characters that alerts may have; make it "
            f"anew with: CREATE DATABASE ... ENCODING '{ENCODING}' TEMPLATE template0"
        )
    if not content.tables:
        _check_rights(url, content)
    stamped = STAMP in content.tables
    stamps = connection.execute(f"SELECT version_num FROM {STAMP}").fetchall() if stamped else []  # noqa: S608
    return set(content.tables), stamps[0][0] if stamps else None


def _check_rights(url: str, content: _Content) -> None:
    """Raises `DatabaseUnusableError` if no tables can be made there."""
    if content.schema is None:
        raise DatabaseUnusableError(
            f"the search_path of the user {content.user} names no schema of {shown(url)}; make one there: "
            f'CREATE SCHEMA AUTHORIZATION "{content.user}"'
        )
    if not content.may_create:
        raise DatabaseUnusableError(
            f"{shown(url)} has no tables yet, and the user {content.user} may not make them; run there: "
            f'GRANT CREATE ON SCHEMA "{content.schema}" TO "{content.user}"'
        )
