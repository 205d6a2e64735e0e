"""The commands, by file: parse, call a service, print, exit code."""
