"""Where attempts run; both executors fulfil the port `Executor`."""
