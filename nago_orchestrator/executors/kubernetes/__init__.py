"""Runs every attempt as a Kubernetes Job.

settings     what the study file says about its Jobs
manifest     the Job of one attempt, with its labels and resources; pure
template     merges the study's pod template into it; template_check   says what that may not undo
causes       why an attempt ended; waiting   why it does not begin; last_words   what its trainer left; all pure
access       where the API server is; client   HTTP to it; jobs   the calls that a study needs
watch        the study's Jobs, kept up to date; patience   how long each of them may wait
executor     the executor that the loop uses
"""
