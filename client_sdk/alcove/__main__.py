"""`python -m alcove` is the command `alcove`."""

from alcove.cli import main

main()
