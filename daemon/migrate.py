"""`python -m daemon.migrate URL`: brings one database to the newest schema, in a process of its own."""

import os
import sys

from alembic import command
from alembic.config import Config
from sqlalchemy.exc import DBAPIError

from daemon.database import MIGRATIONS, file_of, open_engine


def migrate(url: str) -> None:
    """Raises SQLAlchemy's `DBAPIError`; the file is as it was then, since all of it is one transaction."""
    # Payloads can be confidential: the file is its owner's alone from the first moment.
    os.close(os.open(file_of(url), os.O_RDWR | os.O_CREAT, 0o600))
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    engine = open_engine(url)
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()


if __name__ == "__main__":
    try:
        migrate(sys.argv[1])
    except (DBAPIError, OSError) as error:
        sys.exit(str(getattr(error, "orig", error)))
