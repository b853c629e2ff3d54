"""``python -m keychange``: the command line."""

from keychange.cli import main

main()
