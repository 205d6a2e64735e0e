"""Runs every attempt as a process of this machine."""
