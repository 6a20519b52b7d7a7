"""Compressed pixels without what a decoder does not need: comments, application data, boxes of metadata, leftovers."""
