"""Print every sentence of the rules with the tests that tell its stories."""

import sys

from tests.rules.sentences import sentences, stories


def main() -> None:
    """Print the list."""
    told = stories()
    for number, sentence in sentences().items():
        sys.stdout.write(f"{number:>4}  {sentence}\n")
        for name in told.get(number, ["no test!"]):
            sys.stdout.write(f"        {name}\n")


main()
