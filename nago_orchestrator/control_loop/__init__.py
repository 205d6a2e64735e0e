"""The loop that runs one study: read its state, plan, execute the actions; again until nothing is left to do."""
