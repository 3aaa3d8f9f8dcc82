"""How long ago something was, in words. Pure."""

from datetime import datetime


def age(since: datetime, now: datetime) -> str:
    """How long ago, in the two largest units, as in "2 h 5 min"."""
    seconds = max(int((now - since).total_seconds()), 0)
    days, hours, minutes = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"
