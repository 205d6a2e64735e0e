"""Is a cluster ready for a study? What `nago-orch doctor` asks of Kubernetes.

rights     what the program asks of the API server, and whether it may
pod        what a trial's pod needs, read off its Job
facts      what the API server said, or that it would not say;  reading   asks it
cluster, quotas, limit_ranges, nodes, claims, names   verdicts over raw objects; all pure
examine    all of them together
"""
