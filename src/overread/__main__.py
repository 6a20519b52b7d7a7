"""`python -m overread`."""

from overread.cli import main

main()
