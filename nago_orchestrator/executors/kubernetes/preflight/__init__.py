"""Is a cluster ready for a study? What `nago-orch doctor` asks of Kubernetes.

examine      asks everything and puts the findings together
answers      how the API server is asked: read, list, try to create
dry_run      what it says to the study's first Job and pod, which are tried and not kept
cluster, rights, named_objects, quotas, nodes   what a dry run of a Job does not answer; all pure
pod          what a trial's pod needs, read off its Job
"""
