"""The database: its contents, and the file that holds them."""
