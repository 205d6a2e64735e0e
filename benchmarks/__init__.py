"""The figures that NAGO promises, each measured by a script that prints one JSON line per figure."""
