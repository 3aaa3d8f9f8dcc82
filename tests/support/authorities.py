"""Reads the certificate authorities that httpx brings along once for a process of the tests, and for all its forks.

Whoever imports this has them so. To read them takes longer than most tests need for all the rest. Authorities that a
setting or a variable names are read each time.
"""

from functools import cache

import httpx

httpx.create_ssl_context = cache(httpx.create_ssl_context)
httpx.create_ssl_context(trust_env=False)
