"""Runs every attempt as a Kubernetes Job.

executor     what the loop uses; deletions   removes Jobs; timing   how long it waits for the API server
opening      from a study's section to its executor
manifest     the Job of one attempt: settings, labels, resources, the study's pod template merged in; pure
api          where the API server is, HTTP to it, the calls that a study needs, the watch of its Jobs
status       why an attempt waits, why it ended, what its trainer left, its log
preflight    is the cluster ready for a study?
"""
