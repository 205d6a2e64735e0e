"""One training: from a task and its images to a result, with checkpoints."""
