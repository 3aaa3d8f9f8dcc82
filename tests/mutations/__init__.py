"""The program is broken on purpose, in one place after the other, and tests must see it: `make mutations`."""
