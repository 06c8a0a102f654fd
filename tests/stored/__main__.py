"""`python -m tests.stored` adds the examples that this version's lack."""

from tests.stored.examples import file_of, kept, made


def main() -> None:
    """Add what is missing, and change nothing."""
    for kind, lines in made().items():
        file, before = file_of(kind), kept(kind)
        file.parent.mkdir(exist_ok=True)
        missing = [line for line in lines if line not in before]
        file.write_text("".join(f"{line}\n" for line in [*before, *missing]))
        print(f"{file.name}: {len(missing)} added")  # noqa: T201 # for a person at a terminal


if __name__ == "__main__":
    main()
