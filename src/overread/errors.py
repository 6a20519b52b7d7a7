"""The errors a person sees. Every message says what was found, where, what was expected and what to do."""

from __future__ import annotations


class OverreadError(Exception):
    """Something went wrong that the person can read about in one line. Exit code 1."""

    exit_code = 1


class InputError(OverreadError):
    """What was given cannot be used: a file, a column, a tag, a setting. Exit code 2; nothing was written."""

    exit_code = 2


class BlockingError(OverreadError):
    """A check found what must be mended before going on; the findings were written. Exit code 1."""
