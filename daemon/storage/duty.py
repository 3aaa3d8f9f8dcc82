"""Who is to poll: noted at each start, and kept when nobody does, so that `status` knows whom to miss."""

from sqlalchemy import Engine, update

from daemon.model.snapshot import Duty
from daemon.storage.engine import transaction
from daemon.storage.schema import PROGRESS


def take_up(engine: Engine, duty: Duty) -> None:
    """From here on this is how the state is served. Raises `DatabaseBusyError`."""
    with transaction(engine, writes=True) as connection:
        connection.execute(update(PROGRESS).values(duty=duty))
