"""The status of a Job: why it waits, why it ended, and its log."""
