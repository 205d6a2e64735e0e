"""How results look on a terminal: tables, live view, text."""
