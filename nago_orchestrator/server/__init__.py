"""All active studies of a database in one process, with its health pages, metrics and log."""
