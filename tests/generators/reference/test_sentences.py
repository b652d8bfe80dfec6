import itertools
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
import yaml

from seedbench.errors import GeneratorError
from seedbench.generators.reference import sentences
from seedbench.generators.reference.sentences import HELD_OUT, count_words, languages, sentence
from seedbench.generators.simulator.speech import speak

GRAMMARS = tomllib.loads(Path(sentences.__file__).with_name("sentences.toml").read_text(encoding="utf-8"))
SUITES = sorted(Path(sentences.__file__).parents[2].glob("datasets/*/suite.yaml"))


def drawn(language: str, count: int, *, seed: int = 0, words: tuple[int, int] = (3, 13)) -> list[str]:
    rng = np.random.default_rng(seed)
    return [sentence(language, rng, words=words) for _ in range(count)]


def test_the_same_seed_gives_the_same_sentences() -> None:
    assert drawn("en", 20, seed=3) == drawn("en", 20, seed=3)
    assert drawn("en", 20, seed=3) != drawn("en", 20, seed=4)


@pytest.mark.parametrize("words", [(3, 13), (3, 4), (6, 11), (12, 12)])
def test_english_sentences_have_a_length_within_the_range(words: tuple[int, int]) -> None:
    assert all(words[0] <= count_words(text, "en") <= words[1] for text in drawn("en", 200, words=words))


@pytest.mark.parametrize("language", languages())
def test_sentences_have_a_length_within_the_range(language: str) -> None:
    assert all(5 <= count_words(text, language) <= 9 for text in drawn(language, 200, words=(5, 9)))


@pytest.mark.parametrize("language", languages())
def test_a_sentence_is_written_as_one(language: str) -> None:
    for text in drawn(language, 300):
        assert not set("{}") & set(text)
        assert "  " not in text
        assert text[-1] in ".?!。？！"
        first = text.lstrip("¿¡")[0]
        assert first == first.upper()


@pytest.mark.parametrize("language", languages())
def test_every_slot_has_a_list_and_every_list_a_slot(language: str) -> None:
    lists = GRAMMARS[language]
    slots = {slot for entry in itertools.chain(*lists.values()) for slot in re.findall(r"\{(\w+)\}", entry)}
    assert slots == set(lists) - {"templates"}
    for entries in lists.values():
        written = [entry for entry in entries if not re.fullmatch(r"\{\w+\}", entry)]  # a bare slot may stand twice, for its weight
        assert len(written) == len(set(written))


@pytest.mark.parametrize("language", languages())
def test_every_language_speaks(language: str) -> None:
    for text in drawn(language, 3, seed=1):
        spoken = speak(text, language=language)
        assert spoken.duration_s > 0.5
        assert spoken.words


def test_english_hardly_repeats_itself() -> None:
    assert len(set(drawn("en", 3000))) > 2800


@pytest.mark.parametrize("language", [name for name in languages() if name != "en"])
def test_the_other_languages_vary(language: str) -> None:
    assert len(set(drawn(language, 500))) > 450


def test_the_words_of_english_are_many() -> None:
    entries = " ".join(re.sub(r"\{\w+\}", " ", entry) for entry in itertools.chain(*GRAMMARS["en"].values()))
    assert len(set(re.findall(r"[a-z][a-z']*", entries.lower()))) >= 600
    assert len(GRAMMARS["en"]["templates"]) >= 40


def test_held_out_sentences_are_sixty_of_six_to_eleven_words() -> None:
    assert len(set(HELD_OUT)) == 60
    assert all(6 <= count_words(text, "en") <= 11 for text in HELD_OUT)


def test_a_held_out_sentence_is_never_drawn() -> None:
    assert not set(drawn("en", 3000)) & set(HELD_OUT)


def test_the_grammar_cannot_produce_a_held_out_sentence() -> None:
    def pattern(text: str) -> str:
        parts = re.split(r"\{(\w+)\}", text)
        return "".join(re.escape(part) if at % 2 == 0 else inside(part) for at, part in enumerate(parts))

    def inside(slot: str) -> str:
        return f"(?:{'|'.join(pattern(entry) for entry in GRAMMARS['en'][slot])})"

    for template in GRAMMARS["en"]["templates"]:
        grammar = re.compile(pattern(template), re.IGNORECASE)
        assert not [text for text in HELD_OUT if grammar.fullmatch(text)]
    # The pattern is that of the grammar: what is drawn matches it.
    grammar = re.compile(pattern("{templates}"), re.IGNORECASE)
    assert all(grammar.fullmatch(text) for text in drawn("en", 50))


@pytest.mark.parametrize("suite", SUITES, ids=lambda path: path.parent.name)
def test_a_held_out_sentence_is_in_no_suite(suite: Path) -> None:
    def texts(node: object) -> list[str]:
        if isinstance(node, dict):
            return [text for value in node.values() for text in texts(value)]
        if isinstance(node, list):
            return [text for value in node for text in texts(value)]
        return [str(node)]

    written = " ".join(" ".join(texts(yaml.safe_load(suite.read_text(encoding="utf-8")))).split())
    assert not [text for text in HELD_OUT if text.rstrip(".?!") in written]


def test_an_unknown_language_is_refused_with_those_there_are() -> None:
    with pytest.raises(GeneratorError, match="no sentences for the language 'tlh': name one of en, es"):
        sentence("tlh", np.random.default_rng(0))


def test_a_length_out_of_reach_is_refused() -> None:
    with pytest.raises(GeneratorError, match="no sentence of 40 to 50 words"):
        sentence("en", np.random.default_rng(0), words=(40, 50))
