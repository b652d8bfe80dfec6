"""How a metric is tried on real footage: what it asks of a truth file, which copies of each clip are made, and what a right answer is.

A metric names its protocol in ``Metric.validation``. ``seedbench validate METRIC --footage DIR`` makes the copies, scores them, counts
right and wrong answers, and writes a page (:mod:`seedbench.validation`). A protocol knows the metric; nothing else here does.
Of a set metric, sets of copies are compared with sets of the files as they are (:class:`SetValidationProtocol`).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedbench.errors import PluginError
from seedbench.plugins.metric import Metric, Score, SetMetric

if TYPE_CHECKING:
    from seedbench.clips.clip import Clip
    from seedbench.clips.degradations import ClipArrays
    from seedbench.suites.prompt import Prompt


@dataclass(frozen=True, kw_only=True)
class TruthColumn:
    """A column of the truth file that a protocol reads.

    Attributes:
        name: of the column.
        meaning: what to write into it, one sentence.
        values: the words that are allowed; empty: any text.
        needed: whether every row must have it.
        number: whether it must be a number.
    """

    name: str
    meaning: str
    values: tuple[str, ...] = ()
    needed: bool = False
    number: bool = False


@dataclass(frozen=True, kw_only=True)
class TruthRow:
    """What is known of one file.

    Attributes:
        file: the media file, absolute.
        name: as the truth file writes it.
        kind: the kind of footage, such as ``filmed speakers``; results are given for each kind.
        facts: the other columns by name, as text; empty cells are left out.
    """

    file: Path
    name: str
    kind: str
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A copy that is made of clips.

    Attributes:
        name: in a few words, such as ``sound 120 ms late``; unique in the protocol.
        expected: what the metric should answer, in words.
        change: makes the content of the copy from the arrays of the clip, the clip itself, and the arrays of the partner (None where there
            is none); None: the file as it is. It must give the same result each time.
        partner: chooses the other file of a copy that is made of two, among all rows; None: there is no such file, and no copy is made.
        applies: whether it is made of a row.
    """

    name: str
    expected: str
    change: Callable[[ClipArrays, Clip, Any], ClipArrays] | None = None
    partner: Callable[[TruthRow, Sequence[TruthRow]], TruthRow | None] | None = None
    applies: Callable[[TruthRow], bool] = lambda row: True


@dataclass(frozen=True, kw_only=True)
class TrialAnswer:
    """What the metric answered to one copy, and whether that is right.

    Attributes:
        answered: whether there was an answer.
        right: whether what it did is right; no answer is right where none can be given. None: the truth is not known.
        error: by how much a number was off, in the unit of the protocol; None where there is nothing to compare.
        words: the answer in a few words, for the list of wrong ones.
        due: whether there is something to answer. Copies in which nothing can be judged count in the wrong answers alone.
    """

    answered: bool
    right: bool | None
    error: float | None = None
    words: str = ""
    due: bool = True


@dataclass(frozen=True, kw_only=True)
class Separation:
    """Two groups of copies that a measure should tell apart; reported as the area under the ROC curve (AUC).

    Attributes:
        title: such as ``in sync against another voice``.
        measure: the measure whose value is compared; larger values are expected in ``higher``.
        higher, lower: names of the variants of each group.
        applies: which rows count.
        sign: -1 where smaller values are expected in ``higher``.
        absent: the value of a copy without an answer; None: it is left out.
    """

    title: str
    measure: str
    higher: tuple[str, ...]
    lower: tuple[str, ...]
    applies: Callable[[TruthRow], bool] = lambda row: True
    sign: int = 1
    absent: float | None = None


class FootageProtocol:
    """What the protocols of clip metrics and of set metrics have in common.

    Attributes:
        version: a whole number, raised when copies or counts change.
        columns: what it reads of the truth file besides ``file``, ``kind``, ``source`` and ``licence``.
        variants: the copies; the first is the file as it is (``change`` None).
        about: what is counted, a few sentences for the page.
    """

    version: int = 1
    columns: tuple[TruthColumn, ...] = ()
    variants: tuple[Variant, ...]
    about: str = ""


class ValidationProtocol(FootageProtocol):
    """What the trial of a clip metric consists of: subclass it, and define the attributes and :meth:`answer`.

    Attributes:
        separations: groups to tell apart.
        error_unit: of ``TrialAnswer.error``.
    """

    separations: tuple[Separation, ...] = ()
    error_unit: str = ""

    def prompt(self, variant: Variant, row: TruthRow, partner: TruthRow | None, duration_s: float) -> Prompt | None:
        """The prompt that a copy is scored with.

        Args:
            variant: which copy.
            row: the file.
            partner: the other file of the copy.
            duration_s: the length of the copy, in seconds.

        Returns:
            A prompt; None: the copy is scored without one.
        """
        return None

    def answer(
        self, variant: Variant, row: TruthRow, partner: TruthRow | None, scores: Mapping[str, Score], as_it_is: Mapping[str, Score]
    ) -> TrialAnswer:
        """Judge the scores of one copy.

        Args:
            variant: which copy.
            row: the file.
            partner: the other file of the copy.
            scores: what the metric gave, by measure.
            as_it_is: what it gave to the file as it is.

        Returns:
            Whether it answered, and whether that is right.
        """
        raise NotImplementedError


#: What a set metric's protocol reads of the truth file.
SET_COLUMNS = (
    TruthColumn(name="prompt", meaning="the prompt or scene; files of one prompt stay together. Empty: each file is of its own"),
    TruthColumn(name="generator", meaning="which generator made it; empty: filmed, or not to be ranked"),
    TruthColumn(name="rating", meaning="what people rate it, larger is better; needs a generator and a prompt", number=True),
)


class SetValidationProtocol(FootageProtocol):
    """What the trial of a set metric consists of: subclass it, and define ``variants``, the copies of known harm.

    Attributes:
        controls: the names of variants that show the same as the file; a difference from it is then none.
        sizes: of how many prompts the sets are, besides the largest that the footage allows.
        draws: how often sets are drawn at random.
    """

    columns = SET_COLUMNS
    controls: tuple[str, ...] = ()
    sizes: tuple[int, ...] = (5, 10, 20)
    draws: int = 100


def protocol_of(kind: type[Metric] | type[SetMetric]) -> ValidationProtocol | SetValidationProtocol | None:
    """The protocol that a metric names.

    Args:
        kind: the class of the metric.

    Returns:
        Its protocol; None where it names none.

    Raises:
        PluginError: the named protocol cannot be imported, or is none.
    """
    module, _, attribute = kind.validation.partition(":")
    if not module:
        return None
    try:
        protocol = getattr(importlib.import_module(module), attribute)
    except Exception as error:
        raise PluginError(
            f"the validation protocol {kind.validation} of the metric {kind.info.name!r} cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    wanted = SetValidationProtocol if issubclass(kind, SetMetric) else ValidationProtocol
    if not isinstance(protocol, wanted):
        raise PluginError(f"{kind.validation} of the metric {kind.info.name!r} is not a seedbench.plugins.validation.{wanted.__name__}")
    return protocol
