"""The figures of the report, one file each: rows in, panel out."""
