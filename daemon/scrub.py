"""Takes secrets out of texts that are kept or shown."""

import json
import re
from urllib.parse import quote


def scrubbed(text: str, *secrets: str) -> str:
    """`text` without the secrets, as they are or as URLs and JSON spell them; the longest first, to leave no rest."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        for form in _spellings(secret):
            text = text.replace(form, "***")
    return text


def _spellings(secret: str) -> set[str]:
    quoted = quote(secret, safe="")
    in_lower_case = re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), quoted)
    return {secret, quoted, in_lower_case, json.dumps(secret)[1:-1]}
