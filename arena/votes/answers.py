"""What the winner of a table says: a side, the name of a system, or a number; and the columns that hold one truth value for each answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from seedbench.arena.votes.log import Choice
from seedbench.arena.votes.names import clean_name
from seedbench.files.cell_values import number_in

Form = Literal["sides", "names"]

KNOWN_FORMS = (
    "known are model_a, model_b, tie and 'tie (bothbad)' or both_bad; left and right; A and B; 1 and 2; 1, 0.5 and 0 (the score of the "
    "left system); and the name of the system that won"
)
_WORDS: dict[Choice, str] = {
    "left": "a|left|first|model a|model 1|model left|left model|system a|system 1|response a|answer a|option a|video a|clip a|leftvote"
    "|a wins|a is better|a>b|a>>b|left is better|left wins|model a wins",
    "right": "b|right|second|model b|model 2|model right|right model|system b|system 2|response b|answer b|option b|video b|clip b"
    "|rightvote|b wins|b is better|b>a|b>>a|right is better|right wins|model b wins",
    "tie": "tie|ties|tied|draw|equal|same|a=b|a = b|tievote|both good|bothgood|tie (bothgood)|no preference|about the same",
    "both_bad": "tie (bothbad)|tie (both bad)|both bad|bothbad|bothbad vote|both are bad",
}
_CHOICES: dict[str, Choice] = {word: choice for choice, words in _WORDS.items() for word in words.split("|")}
_INDEX_OF_SIDE: dict[float, Choice] = {1.0: "left", 2.0: "right"}
_SCORE_OF_LEFT: dict[float, Choice] = {1.0: "left", 0.5: "tie", 0.0: "right"}


class UnknownAnswerError(ValueError):
    """An answer that cannot be read; the message says why, without the place."""


@lru_cache(maxsize=1000)
def _side(text: str) -> Choice | None:
    return _CHOICES.get(" ".join(text.casefold().replace("_", " ").replace("-", " ").split()))


@dataclass(frozen=True)
class Answer:
    """What a row says of its winner.

    Attributes:
        text: The answer as it was written, without outer blanks; not empty.
        left: The name of the system on the left.
        right: The name of the system on the right.
    """

    text: str
    left: str
    right: str

    @property
    def side(self) -> Choice | None:
        """The choice, read as a word for a side, a tie or both bad; None for any other text."""
        return _side(self.text)

    @property
    def named(self) -> Choice | None:
        """The choice, read as the name of the system that won; None for any other text.

        Capitals do not matter, unless both systems have the name, or it is a word for a side.
        """
        name = clean_name(self.text)
        if name in (self.left, self.right):
            return "left" if name == self.left else "right"
        if self.side is not None:
            return None
        folded = name.casefold()
        same = [folded == system.casefold() for system in (self.left, self.right)]
        return None if sum(same) != 1 else "left" if same[0] else "right"

    @property
    def number(self) -> float | None:
        """The number that the text is; None for any other text."""
        try:
            return number_in(self.text, decimal_comma=True)
        except ValueError:
            return None


@dataclass(frozen=True)
class AnswerReader:
    """How the answers of one table are read; it takes all of them to tell.

    Attributes:
        form: Whether a text that is both a word for a side and the name of a system (systems may be called ``a`` and ``b``) is the one or
            the other; None where the table does not say.
        numbers: The choice that each number means; None where the numbers may mean two things.
        seen_numbers: The numbers that stand for answers.
    """

    form: Form | None
    numbers: dict[float, Choice] | None
    seen_numbers: tuple[float, ...]

    def choice(self, answer: Answer) -> Choice:
        """Read one answer.

        Args:
            answer: The answer of a row of the table.

        Returns:
            The choice.

        Raises:
            UnknownAnswerError: It is no known form, or may mean two things.
        """
        side, named = answer.side, answer.named
        if side is not None and named is not None and side != named:
            if self.form is None:
                raise UnknownAnswerError(
                    f"{answer.text!r} may be the side or the name of a system here ({answer.left!r} is on the left, {answer.right!r} on "
                    "the right), and no other row shows which is meant: write model_a or model_b"
                )
            return named if self.form == "names" else side
        known = named if named is not None else side
        if known is not None:
            return known
        if answer.number is None:
            raise UnknownAnswerError(f"{answer.text!r} is no known answer: {KNOWN_FORMS}, here {answer.left!r} or {answer.right!r}")
        if self.numbers is None or answer.number not in self.numbers:
            shown = ", ".join(f"{number:g}" for number in self.seen_numbers)
            raise UnknownAnswerError(f"the numbers {shown} may mean more than one thing: write model_a, model_b or tie; {KNOWN_FORMS}")
        return self.numbers[answer.number]

    @property
    def remark(self) -> str:
        """How numbers are read; empty where no answer is a number."""
        if not self.seen_numbers or self.numbers is None:
            return ""
        words = ", ".join(f"{number:g} is {choice}" for number, choice in self.numbers.items())
        return f"numbers are read as {'the score of the left system' if 0.5 in self.numbers else 'the side that won'}: {words}"


def reader_of(answers: Sequence[Answer]) -> AnswerReader:
    """How the answers of a table are to be read.

    Args:
        answers: All its answers.

    Returns:
        The reader. Numbers are the side that won if they are 1 and 2, and the score of the left system if they are among 0, 0.5 and 1 with
        a 0.5; all else (0 and 1, or 0, 1 and 2) may mean two things.

    >>> reader_of([Answer("b", "b", "a"), Answer("c", "c", "a")]).choice(Answer("b", "b", "a"))
    'left'
    """
    sides_only = any(answer.side in ("left", "right") and answer.named is None for answer in answers)
    names_only = any(answer.named is not None and answer.side is None for answer in answers)
    form: Form | None = None if sides_only == names_only else "sides" if sides_only else "names"
    unread = {answer.number for answer in answers if answer.side is None and answer.named is None}
    seen = tuple(sorted(number for number in unread if number is not None))
    numbers = None
    if seen and set(seen) <= _INDEX_OF_SIDE.keys() and 2.0 in seen:
        numbers = _INDEX_OF_SIDE
    elif 0.5 in seen and set(seen) <= _SCORE_OF_LEFT.keys():
        numbers = _SCORE_OF_LEFT
    return AnswerReader(form, numbers, seen)
