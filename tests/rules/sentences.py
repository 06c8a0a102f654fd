"""The sentences of docs/rules.md, and the tests that tell their stories."""

import ast
import re
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "rules.md"

SENTENCE = re.compile(r"^- \*\*(\w+)\*\* (.+)$", re.MULTILINE)
TEST = re.compile(r"test_(\d+[a-z]|[cm]\d+)_")


def sentences() -> dict[str, str]:
    """Answer each sentence by its number."""
    return dict(SENTENCE.findall(DOCUMENT.read_text(encoding="utf-8")))


def stories() -> dict[str | None, list[str]]:
    """Answer the names of the tests by the number that they begin with, if with any."""
    found = defaultdict(list)
    for path in sorted(HERE.glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                number = TEST.match(node.name)
                found[number[1] if number else None].append(f"{path.stem}.{node.name}")
    return dict(found)
