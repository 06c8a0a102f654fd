"""Every sentence of docs/rules.md has its story."""

from tests.rules.sentences import DOCUMENT, SENTENCE, sentences, stories


def test_every_sentence_has_a_test_and_every_test_a_sentence() -> None:
    told = stories()
    own = told.pop(None)

    assert set(sentences()) == set(told)
    assert {name.split(".")[0] for name in own} == {"test_sentences"}


def test_no_number_is_given_twice() -> None:
    numbers = [number for number, _ in SENTENCE.findall(DOCUMENT.read_text(encoding="utf-8"))]

    assert len(numbers) == len(set(numbers)) > 0
