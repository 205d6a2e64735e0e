"""One attempt at a trial, by folder or by database: claim, train, report, exit code; and the fork server."""
