"""The report of a study: rows of the store become figures and one HTML page.

Pure: the command line reads and writes.
"""
