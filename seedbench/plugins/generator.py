"""The contract of a generator: what it declares, what it receives, what it returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from seedbench.errors import ClipError, GenerationRefusedError, GeneratorError
from seedbench.plugins.requirements import Requirements
from seedbench.suites.prompt import MAX_DURATION_S
from seedbench.suites.references import ReferenceLimits

if TYPE_CHECKING:
    from seedbench.suites.prompt import Prompt
    from seedbench.suites.suite import Suite

GenerationStatus = Literal["succeeded", "failed", "refused", "expired", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a generator can do. The plan of a run refuses prompts outside of it, by name, before anything is generated.

    Attributes:
        tasks: the tasks that it takes; empty: all.
        min_duration_s, max_duration_s: the shortest and the longest clip, in seconds.
        sizes: the sizes (width, height) that it takes, in pixels; empty: all.
        audio: whether its clips have sound. If not, a run says which prompts ask for sound.
        references: how many reference files of which kind it takes; None: none.
        seeds: whether a seed changes the clip. A ``deterministic`` generator without seeds is asked once for each prompt.
        deterministic: whether the same request gives the same clip.
        batch: the most requests that :meth:`Generator.generate_many` takes at once; with 1, only :meth:`Generator.generate` is called.

    Raises:
        ValueError: ``batch`` is less than 1.
    """

    tasks: frozenset[str] = frozenset()
    min_duration_s: float = 0.5
    max_duration_s: float = MAX_DURATION_S
    sizes: frozenset[tuple[int, int]] = frozenset()
    audio: bool = True
    references: ReferenceLimits | None = field(default_factory=ReferenceLimits)
    seeds: bool = True
    deterministic: bool = False
    batch: int = 1

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise ValueError(f"batch is {self.batch}; it must be 1 or more")


class Refusal(NamedTuple):
    """One thing of a prompt that a generator cannot make.

    Attributes:
        sentence: what it cannot make, and why.
        location: where the prompt asks for it: keys and positions, such as ``("events", 0, "kind")``; empty: the prompt as a whole.
    """

    sentence: str
    location: tuple[int | str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Request:
    """One prompt and one seed for one generator.

    Attributes:
        prompt: the prompt; its length is ``prompt.duration_s`` seconds.
        seed: the seed.
        width, height: size of the clip, in pixels.
        fps: frames per second.
        settings: the generator's own options; they are part of the key of the cell.
        root: the folder that the paths of the prompt's references are relative to; None: the current folder.
    """

    prompt: Prompt
    seed: int
    width: int = 456
    height: int = 256
    fps: int = 25
    settings: Mapping[str, Any] = field(default_factory=dict)
    root: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Generation:
    """The result of one request.

    Attributes:
        status: ``succeeded``; ``refused``, a property of the model; ``failed``, an outage; ``expired``; ``unknown``.
        file: the clip; None where there is none.
        seed_used: the seed that the clip was made with; None: not known.
        latency_s: seconds from the request to the file. If None, SeedBench measures it (for a batch, an equal share of its time); it stays
            None for imported clips.
        cost_usd: the price, in US dollars; None: not known.
        reason: why there is no clip; needed for all statuses but ``succeeded``.
        truth: the true content of the clip, as JSON (phonemes, cuts, contacts, beats, tracks, identities); only a simulator knows it.
        own_file: True: ``file`` was made for this run. False: it belongs to the user and is never changed or moved.
        facts: anything else to keep with the cell, as JSON.
    """

    status: GenerationStatus
    file: Path | None = None
    seed_used: int | None = None
    latency_s: float | None = None
    cost_usd: float | None = None
    reason: str = ""
    truth: Mapping[str, Any] | None = None
    own_file: bool = True
    facts: Mapping[str, Any] = field(default_factory=dict)


class Generator(Requirements):
    """A system under test: subclass it, and define ``name``, :meth:`capabilities` and :meth:`generate`.

    It is constructed with its options: keyword arguments whose values JSON can store. Construction must be cheap.

    Attributes:
        name: the name of its entry point.
        libraries: the installed distributions whose version may change a clip; a run records their versions.
        label: its name in the tables of a run, for sentences about it; set after construction, and empty outside of a run.
    """

    name: ClassVar[str]
    label: str = ""
    libraries: ClassVar[tuple[str, ...]] = ()

    def capabilities(self) -> Capabilities:
        """What this generator can do; the plan of a run asks for it before anything is generated.

        Returns:
            The same for every call. Prompts outside of it are refused by the plan and never reach :meth:`generate`.
        """
        raise NotImplementedError

    def refusals(self, prompt: Prompt) -> Sequence[Refusal]:
        """What of a prompt this generator cannot make, beyond its capabilities: the plan refuses the prompt for it, with these sentences.

        Args:
            prompt: any prompt of a suite; other generators of the run are asked it all the same.

        Returns:
            One refusal for each thing it cannot make; empty where it can make the prompt.
        """
        return ()

    def generate(self, request: Request, directory: Path) -> Generation:
        """Make one clip.

        Args:
            request: what to make.
            directory: an empty folder for this request alone, to write the clip into.

        Returns:
            The result.

        Raises:
            GenerationRefusedError: the model declines the prompt.
            GeneratorError: an outage or a crash. Any other exception counts as one as well.
        """
        raise NotImplementedError

    def generate_many(self, requests: Sequence[Request], directories: Sequence[Path]) -> list[Generation]:
        """Make several clips at once. By default they are made one after another.

        Which requests are in a batch depends on the number of workers and on what is left to do. So each clip must have the same bytes as
        the one that :meth:`generate` makes. In padded batches it rarely has: sums are rounded in another order.

        Args:
            requests: 2 to ``capabilities().batch`` of them, of one size and frame rate; prompts, lengths and seeds differ.
            directories: an empty folder for each request.

        Returns:
            One result for each request, in their order. An outage or a refusal of one request is the status of its result.

        Raises:
            Exception: the whole batch failed; its requests are then made one by one with :meth:`generate`.
        """
        generations: list[Generation] = []
        for request, directory in zip(requests, directories, strict=True):
            try:
                generations.append(self.generate(request, directory))
            except GenerationRefusedError as error:
                generations.append(Generation(status="refused", reason=str(error)))
            except (GeneratorError, ClipError) as error:
                generations.append(Generation(status="failed", reason=str(error)))
        return generations

    def identity(self, prompt: Prompt, seed: int) -> Mapping[str, Any]:
        """What decides the clip besides the request, such as the sha256 of a model's file. It is part of the cell's key.

        Args:
            prompt: the prompt of the cell.
            seed: the seed of the cell.

        Returns:
            Values that JSON can store. If they change, the clip is generated again. Leave out what does not change the clip.
        """
        return {}

    def earlier_identities(self, prompt: Prompt, seed: int) -> Sequence[Mapping[str, Any]]:
        """What :meth:`identity` returned for the same clip in earlier versions, so that runs stored by these still resume.

        Args:
            prompt: the prompt of the cell.
            seed: the seed of the cell.

        Returns:
            One identity for each earlier version that differs; empty: there is none.
        """
        return ()

    def remarks(self, prompts: Sequence[Prompt], seeds: Sequence[int]) -> list[str]:
        """What a run leaves out although the options of this generator name it, such as clips that fit no prompt.

        Args:
            prompts: the prompts of the run.
            seeds: the seeds of the run.

        Returns:
            Sentences for the user; empty: nothing is left out.
        """
        return []


class Importer(Generator):
    """A generator of clips that exist already: it has some clips and lacks others, and brings the prompts and seeds they were made of.

    Attributes:
        manifest_suffixes: endings of files that list clips and that :meth:`files_in_manifest` reads, with the dot (``.csv``).
    """

    manifest_suffixes: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def files_in_manifest(cls, manifest: Path) -> tuple[tuple[Path, ...], tuple[str, ...]]:
        """The clips that a manifest lists, of all generators in it.

        Args:
            manifest: a file with one of the endings in ``manifest_suffixes``.

        Returns:
            The paths of the clips, and a sentence about each thing that is left out.

        Raises:
            SeedBenchError: the manifest cannot be read.
        """
        raise NotImplementedError

    @classmethod
    def variants(cls, **options: Any) -> dict[str, dict[str, Any]]:
        """The systems whose clips these options name, each under its label with options of its own.

        Args:
            options: the options as the user gave them.

        Returns:
            Label to options, in the order of the table. Empty: one system, with the options as they are.
        """
        return {}

    @classmethod
    def label_parts(cls, label: str, **options: Any) -> tuple[str, ...]:
        """What tells a system from another of the same label: where it comes from, and the label as the last part.

        Args:
            label: a label that :meth:`variants` gave.
            options: the options of that variant.

        Returns:
            The parts from the most general to the label. Systems of one label are named by as many last parts as tell them apart
            (``runA/out`` and ``runB/out``).
        """
        return (label,)

    def suite(self) -> Suite | None:
        """The prompts of the clips, for a run that names no suite.

        Returns:
            The suite; None where the prompts are not known and the run must name a suite.
        """
        return None

    def offers(self, prompt: Prompt, seed: int) -> bool:
        """Whether there is a clip of a prompt under a seed; the plan has no cell where there is none.

        Args:
            prompt: a prompt of the run.
            seed: a seed of the run.

        Returns:
            True if :meth:`Generator.generate` can return that clip.
        """
        raise NotImplementedError

    def clip_file(self, prompt: Prompt, seed: int) -> Path | None:
        """The file of a prompt and seed, where it is known before the run: a run says which files stand in it several times.

        Args:
            prompt: a prompt of the run.
            seed: a seed of the run.

        Returns:
            The file; None where there is none, or it is not known yet.
        """
        return None

    def own_seeds(self) -> tuple[int, ...]:
        """The seeds of the clips, which decide the cells where a run names no seeds; empty: any seed may be asked."""
        return ()
