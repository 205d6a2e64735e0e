"""What every trial as a Kubernetes Job costs, on a real API server; a program of ours plays scheduler and kubelet.

`python -m benchmarks.jobs` measures all of it. `control_plane` starts the cluster, `kubelet` and `bare` are programs of
their own, `study` makes what is searched, `witness` sees what becomes of the Jobs.
"""
