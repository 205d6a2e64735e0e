"""The database: the one memory of every study. PostgreSQL, or one SQLite file for a single machine.

`store.Store` writes and reads for the loop, `queries` and `found` read the rows of `domain.rows` for people, `versions`
creates and checks the schema. Import from the modules; this file imports nothing, so that a reader pays for what it
uses.
"""
