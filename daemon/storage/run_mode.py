"""Which command is meant to poll. Recorded at each start and kept after it, so that `status` can report it missing."""

from sqlalchemy import Engine, update

from daemon.model.snapshot import RunMode
from daemon.storage.engine import transaction
from daemon.storage.source_schema import PROGRESS


def record_run_mode(engine: Engine, mode: RunMode) -> None:
    """Records which command polls from now on. Raises `DatabaseBusyError`."""
    with transaction(engine, writes=True) as connection:
        connection.execute(update(PROGRESS).where(PROGRESS.c.source == "").values(duty=mode))
