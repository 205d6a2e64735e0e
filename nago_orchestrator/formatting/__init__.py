"""Numbers and counts as text, for tables, messages and the report. Pure."""
