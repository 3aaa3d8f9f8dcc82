"""Hundreds of lives of the real process on one state directory, each ended by force at another moment: `make soak`.

The world moves with every request, replicas of Better Stack lag, now and then a service fails, the configuration is
changed while the process runs, and the process is killed or asked to stop. After each life the database must be whole
and the books must balance: what is noted was taken, and only what was in flight at a kill, or whose answer was lost, is
told twice. In the end all is quiet, and what SIGNL4 was told is compared with what happened.
"""

from tests.soak.books import Books, as_left, descriptors, harm, let_go, resident
from tests.soak.lives import SLACK_IN_DESCRIPTORS, SLACK_IN_MEMORY, soak

__all__ = [
    "SLACK_IN_DESCRIPTORS",
    "SLACK_IN_MEMORY",
    "Books",
    "as_left",
    "descriptors",
    "harm",
    "let_go",
    "resident",
    "soak",
]
