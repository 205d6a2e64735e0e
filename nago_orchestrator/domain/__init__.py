"""The values of a study: states, objectives, proposals, trials, rows as they are read, the space, the seeds. Pure."""
