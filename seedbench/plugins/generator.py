"""The contract of a generator: what it can do, what it is asked, what comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from seedbench.errors import ClipError, GenerationRefusedError, GeneratorError
from seedbench.suites.prompt import MAX_DURATION_S
from seedbench.suites.references import ReferenceLimits

if TYPE_CHECKING:
    from seedbench.suites.prompt import Prompt
    from seedbench.suites.suite import Suite

GenerationStatus = Literal["succeeded", "failed", "refused", "expired", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a generator takes. Empty ``tasks`` means every task; durations in seconds; ``sizes`` (width, height) empty means any.

    The plan refuses a request outside ``tasks``, durations, ``sizes`` and ``references`` by name. A generator without ``seeds`` that is
    ``deterministic`` is asked once a prompt, and a run says so; without ``audio``, a run says what prompts ask for sound.
    ``batch`` is how many requests :meth:`Generator.generate_many` takes at once; with 1 only :meth:`Generator.generate` is called.
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
            raise ValueError(f"batch is {self.batch}; a generator takes at least one request at once")


class Refusal(NamedTuple):
    """One thing of a prompt that a generator cannot make, in a sentence; ``location`` is its place in the prompt (keys and positions)."""

    sentence: str
    location: tuple[int | str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Request:
    """One prompt, one seed, one set of settings, for one generator.

    ``settings`` are the generator's own options and part of the request's identity. ``width`` and ``height`` in pixels,
    ``fps`` in frames a second. The paths of the prompt's references are relative to ``root``.
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
    """What came back. ``refused`` is a property of the model, ``failed`` is an outage; both carry a ``reason``.

    ``latency_s`` is wall time from asking to having the file, None for imported clips; left out, SeedBench measures it (in a batch: an
    equal share of the batch's wall time). ``cost_usd`` None: unknown.
    ``truth`` is a JSON-ready dict that only a simulator can give (phonemes, cuts, contacts, beats, tracks, identities).
    ``own_file`` is True when ``file`` was made for this run, False when it is the user's and must never be touched.
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


class Generator:
    """A system under test. Construct with its options (keyword arguments, all JSON-ready); construction is cheap.

    ``libraries`` names the installed distributions whose version may change a clip; a run writes their versions down.
    """

    name: ClassVar[str]
    libraries: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def missing_requirements(cls) -> tuple[str, ...]:
        """What this machine lacks for some of its prompts, besides weights; ``seedbench doctor`` shows it.

        Returns:
            Sentences that say what is missing, for what, and how to install it. Empty: nothing is missing.
        """
        return ()

    def capabilities(self) -> Capabilities:
        """What it takes; the plan refuses what lies outside, by name, before anything runs."""
        raise NotImplementedError

    def refusals(self, prompt: Prompt) -> Sequence[Refusal]:
        """What of a prompt this generator cannot make, beyond its capabilities: the plan refuses the prompt for it, with these sentences.

        Args:
            prompt: Any prompt of a suite; other generators of the run are asked it all the same.

        Returns:
            One refusal for each thing it cannot make; empty where it can make the prompt.
        """
        return ()

    def generate(self, request: Request, directory: Path) -> Generation:
        """Make one clip inside ``directory`` (exists, empty, this request's own). Raise GeneratorError on an outage."""
        raise NotImplementedError

    def generate_many(self, requests: Sequence[Request], directories: Sequence[Path]) -> list[Generation]:
        """Make several clips at once: one Generation for each request, in their order; ``directories`` as for :meth:`generate`.

        Called with 2 to ``capabilities().batch`` requests of one size and frame rate; prompts, lengths and seeds differ. Which requests
        come together depends on workers and on what is left to do, and enters no key: the clip must be the one that :meth:`generate` makes,
        byte for byte. Padded batches rarely are (sums are rounded in another order, and an encoder makes other bytes of it).

        An outage or a refusal of one request is the status of its Generation. Whatever is raised concerns the whole batch: its requests
        are then asked one by one with :meth:`generate`. This default makes one clip after another and keeps those that succeed.
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
        """What else decides the result besides the request (e.g. sha256 of an imported file): part of the cell's key."""
        return {}

    def earlier_identities(self, prompt: Prompt, seed: int) -> Sequence[Mapping[str, Any]]:
        """What :meth:`identity` gave for the same result in earlier versions: stored runs planned with one of these still resume."""
        return ()

    def remarks(self, prompts: Sequence[Prompt], seeds: Sequence[int]) -> list[str]:
        """What a run of these prompts under these seeds leaves out of what its options name, in sentences for people."""
        return []


class Importer(Generator):
    """A generator of clips that exist already: it has some clips and lacks others, and brings the prompts and seeds they were made of.

    ``manifest_suffixes``: endings of files that list clips and that :meth:`files_in_manifest` reads (``.csv``).
    """

    manifest_suffixes: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def files_in_manifest(cls, manifest: Path) -> tuple[tuple[Path, ...], tuple[str, ...]]:
        """The clips that a manifest lists, of all generators in it, and sentences about what is left out of it.

        Raises:
            SeedBenchError: the manifest cannot be read.
        """
        raise NotImplementedError

    @classmethod
    def variants(cls, **options: Any) -> dict[str, dict[str, Any]]:
        """The systems whose clips these options name, each under its label with options of its own.

        Returns:
            Label to options, in the order of the table. Empty: one system, with the options as they are.
        """
        return {}

    def suite(self) -> Suite | None:
        """The prompts of the clips, for a run that names no suite; None where they are not known and the run must name a suite."""
        return None

    def offers(self, prompt: Prompt, seed: int) -> bool:
        """Whether there is a clip of ``prompt`` under ``seed``; the plan has no cell where there is none."""
        raise NotImplementedError

    def own_seeds(self) -> tuple[int, ...]:
        """The seeds of the clips, which decide the cells where a run names no seeds; empty: any seed may be asked."""
        return ()
