"""The command line `nago-orch`: parse, call, print, exit code.

No module here imports anything heavy when it is loaded: what a command needs, it imports in its body, so that `--help`
and completion answer at once.
"""
