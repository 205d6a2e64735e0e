"""What the two programs say to each other: task, reports, exit codes and the files of an attempt.

The one package, beside the pure `architecture`, that both sides import. Standard library only, so that neither side
pays for the other's dependencies. Everything is a frozen value with a JSON form.
"""
