"""Requests to the API server: who we are, HTTP, rate limit, Jobs, the watch."""
