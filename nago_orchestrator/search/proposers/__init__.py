"""The searches, one folder each; all fulfil the port `Proposer`."""
