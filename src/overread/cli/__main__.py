"""`python -m overread.cli`."""

from overread.cli import main

main()
