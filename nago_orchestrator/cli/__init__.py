"""The command line `nago-orch`: parse, call one service, print, exit code."""
