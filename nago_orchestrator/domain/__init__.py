"""The values of a study: states, objectives, proposals, trials and attempts, the search space, the seeds. Pure."""
