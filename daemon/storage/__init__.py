"""The database: what is kept, and the file it is kept in."""
