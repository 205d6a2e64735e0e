"""Other searches, run in an environment of their own: see requirements.txt."""
