"""`python -m tidegate`: the command, where its script is not on PATH."""

from tidegate.cli import main

main()
