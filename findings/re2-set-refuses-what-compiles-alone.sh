#!/bin/sh
# google-re2 1.1.20251105: an expression that `re2.compile` takes can be refused by a `re2.Set` with the same options,
# even as the only one in it. A single expression that needs more memory than its DFA may take is searched in another
# way (an NFA); a set has no other way, so it has to fit. `Add` takes the expression, `Compile` then raises "failed to
# compile Set", which names neither the expression nor the reason. Whoever checks expressions one by one, as when a
# configuration is read, has not checked that the set of them can be made. Reported for many expressions in
# https://github.com/google/re2/issues/382; one is enough.
#
# Beside it: `Set.Match` returns None where nothing matches, not an empty list, and it would do so as well where the
# search gives up: the C++ interface tells the two apart since https://github.com/google/re2/issues/136, but the Python
# one does not hand that on. No set that could be compiled was seen to give up. An empty expression in each set, which
# every text matches, tells the two apart.
#
# Seen: \p{L}{150} alone is compiled and found, in a set it is refused; \p{L}{100} is taken by a set, two of them are not
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet google-re2==1.1.20251105
"$place/venv/bin/python" - <<'PYTHON'
import re2

options = re2.Options()
options.log_errors = False


def refused(*expressions):
    """What a set of them is refused with; None if it is made."""
    whole = re2.Set.SearchSet(options)
    for one in expressions:
        whole.Add(one)
    try:
        whole.Compile()
    except re2.error as error:
        return str(error)
    return None


large, half, other = r"\p{L}{150}", r"a\p{L}{100}", r"b\p{L}{100}"
assert re2.search(large, "x" * 150, options) is not None
for expressions in ((large,), (half,), (other,), (half, other)):
    print(" and ".join(expressions), "->", refused(*expressions) or "compiled")
assert refused(large) == refused(half, other) == "failed to compile Set"
assert refused(half) is None and refused(other) is None

whole = re2.Set.SearchSet(options)
whole.Add("a")
whole.Compile()
print("nothing matches ->", whole.Match("b"))
assert whole.Match("b") is None
PYTHON
