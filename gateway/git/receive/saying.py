"""What a hook prints, which git shows to whoever pushes: line by line, and nothing that a terminal would obey."""

from model_runner.plain_text import printable


def say(*lines: str) -> None:
    for line in lines:
        print(printable(line), flush=True)
