"""Prepared stores: the images of a study, decoded and resized once, from which trials read what they need."""
