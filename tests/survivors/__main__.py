"""Say what the last run of mutmut came to; leave with 1 if a mutant survived without a reason."""

import sys
from pathlib import Path

from tests.survivors.judgement import argued, judged
from tests.survivors.results import Outcome, mutants, refused

MUTANTS = Path("mutants")


def main() -> int:
    """Print the verdict."""
    run = mutants(MUTANTS)
    survivors = [each for each in run if each.outcome is Outcome.SURVIVED]
    verdict = judged(run, refused(MUTANTS, survivors), argued())
    sys.stdout.write("\n".join((*verdict.report, *verdict.faults)) + "\n")
    return 1 if verdict.faults else 0


if __name__ == "__main__":
    sys.exit(main())
