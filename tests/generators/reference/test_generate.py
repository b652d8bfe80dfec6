"""Requests to clips, end to end, with a model that has learned nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info

from seedbench.clips.clip import Clip
from seedbench.errors import GeneratorError
from seedbench.generators.reference import Reference
from seedbench.generators.reference.model import ReferenceModel
from seedbench.generators.reference.painting import synthesise_sound
from seedbench.plugins.generator import Generation, Request
from seedbench.plugins.generator_spec import GeneratorSpec
from seedbench.runs.batching import batches
from seedbench.runs.executor import LocalExecutor
from seedbench.runs.generate_task import GenerateTask, generate
from seedbench.store.workspace import Workspace
from seedbench.suites.prompt import Character, Line, Music, Prompt
from seedbench.suites.prompt import ReferenceAsset as Asset

HELLO = Line(character="ann", text="Hello.", start_s=0.2)


def request(prompt: Prompt, seed: int = 0, **fields: Any) -> Request:
    return Request(**{"prompt": prompt, "seed": seed, "width": 64, "height": 32, "root": None, **fields})


@pytest.fixture
def make(weights: Path, tmp_path: Path) -> Callable[..., Generation]:
    """``make(request, twin="cascaded")``: one clip from the tiny model, in a folder of its own."""
    count = iter(range(100))

    def generate_in_own_folder(asked: Request, **options: Any) -> Generation:
        directory = tmp_path / f"cell-{next(count)}"
        directory.mkdir()
        return Reference(**{"weights": str(weights), "steps": 2, **options}).generate(asked, directory)

    return generate_in_own_folder


@pytest.mark.parametrize("twin", ["joint", "cascaded"])
def test_a_clip_has_the_requested_properties(make: Callable[..., Generation], talking: Callable[..., Prompt], twin: str) -> None:
    generation = make(request(talking(duration_s=1.2, cuts=(0.44,), speech=(HELLO,)), seed=5), twin=twin)
    assert (generation.status, generation.seed_used, generation.cost_usd) == ("succeeded", 5, 0.0)
    assert generation.own_file
    assert generation.facts["twin"] == twin
    assert generation.file is not None
    facts = Clip.open(generation.file).facts
    assert (facts.width, facts.height, facts.n_frames) == (64, 32, 30)
    assert facts.fps == pytest.approx(25)
    assert facts.duration_s == pytest.approx(1.2, abs=0.01)
    assert facts.has_audio
    assert facts.audio_rate == 16000
    assert facts.audio_duration_s == pytest.approx(1.2, abs=0.07)


@pytest.mark.parametrize(("width", "height", "fps", "count"), [(128, 72, 25, 30), (64, 32, 50, 60), (64, 32, 12, 14)])
def test_size_and_rate_are_those_of_the_request(
    make: Callable[..., Generation], talking: Callable[..., Prompt], width: int, height: int, fps: int, count: int
) -> None:
    generation = make(request(talking(duration_s=1.2), width=width, height=height, fps=fps))
    assert generation.file is not None
    facts = Clip.open(generation.file).facts
    assert (facts.width, facts.height, facts.n_frames) == (width, height, count)
    assert facts.fps == pytest.approx(fps)


def bytes_of(generation: Generation) -> bytes:
    assert generation.file is not None
    return generation.file.read_bytes()


@pytest.mark.parametrize("twin", ["joint", "cascaded"])
def test_the_same_request_gives_the_same_bytes(make: Callable[..., Generation], talking: Callable[..., Prompt], twin: str) -> None:
    asked = request(talking(speech=(HELLO,)), seed=3)
    assert bytes_of(make(asked, twin=twin)) == bytes_of(make(asked, twin=twin))


def test_another_seed_twin_or_option_gives_another_clip(make: Callable[..., Generation], talking: Callable[..., Prompt]) -> None:
    first_request = request(talking(), seed=3)
    options: tuple[dict[str, Any], ...] = ({"twin": "cascaded"}, {"steps": 3}, {"guidance": 1.0}, {"temperature": 1.0})
    others = [make(request(talking(), seed=4)), *(make(first_request, **chosen) for chosen in options)]
    clips = [bytes_of(make(first_request)), *(bytes_of(generation) for generation in others)]
    assert len(set(clips)) == len(clips)


@pytest.fixture
def batch(talking: Callable[..., Prompt]) -> list[Request]:
    prompts = (
        talking(duration_s=0.8),
        talking(duration_s=1.6, cuts=(0.5, 1.0), speech=(HELLO,), text="A man with black hair, close, in a red studio."),
        talking(duration_s=1.1, cast=(Character(id="ann"), Character(id="bob"))),
    )
    return [request(prompt, seed=seed) for seed, prompt in enumerate(prompts)]


@pytest.mark.parametrize("twin", ["joint", "cascaded"])
def test_a_clip_has_the_same_bytes_alone_and_in_a_batch(
    weights: Path, make: Callable[..., Generation], tmp_path: Path, batch: list[Request], twin: str
) -> None:
    folders = [tmp_path / f"batch-{index}" for index in range(3)]
    for folder in folders:
        folder.mkdir()
    together = Reference(twin=twin, weights=str(weights), steps=2).generate_many(batch, folders)
    for single, folder, generation in zip(batch, folders, together, strict=True):
        assert generation.file == folder / "clip.mp4"
        assert generation.seed_used == single.seed
        assert bytes_of(generation) == bytes_of(make(single, twin=twin))


def test_one_worker_and_two_make_the_same_bytes(weights: Path, workspace: Workspace, batch: list[Request]) -> None:
    tiny = GeneratorSpec(label="tiny", name="reference", options={"weights": str(weights), "steps": 2})
    tasks = [
        GenerateTask(cell_id=index, generator=tiny, request=asked, scratch=workspace.scratch, artifacts=workspace.artifacts)
        for index, asked in enumerate(batch)
    ]
    hashes = []
    for workers in (1, 2):
        groups = batches(tasks, workers)
        assert [len(group) for group in groups] == [1] * len(tasks)
        executor = LocalExecutor(workers)
        try:
            for (task,) in groups:
                executor.submit(generate, task)
            hashes.append({done.task.cell_id: done.result.sha256 for done in executor.results()})
        finally:
            executor.close()
    assert hashes[0] == hashes[1]
    assert None not in hashes[0].values()


def test_a_clip_is_computed_on_one_thread(
    make: Callable[..., Generation], talking: Callable[..., Prompt], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[set[int]] = []

    def noted(*arguments: Any, **options: Any) -> Any:
        threads.append({torch.get_num_threads(), *(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")})
        return synthesise_sound(*arguments, **options)

    monkeypatch.setattr("seedbench.generators.reference.generate.synthesise_sound", noted)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert make(request(talking())).status == "succeeded"
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert threads == [{1}]


@pytest.mark.parametrize(("speech", "early_s"), [((HELLO,), 0.045), ((), 0.0)])
def test_speech_of_weights_that_learned_too_early_lips_is_laid_earlier(
    speech: tuple[Line, ...],
    early_s: float,
    make: Callable[..., Generation],
    talking: Callable[..., Prompt],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The tiny model states no lead, as the weights of before: 70 ms, where 25 are natural. Other sounds stay where they are."""
    synthesised: list[np.ndarray] = []
    written: list[np.ndarray] = []

    def noted(*arguments: Any, **options: Any) -> np.ndarray:
        synthesised.append(synthesise_sound(*arguments, **options))
        return synthesised[-1]

    monkeypatch.setattr("seedbench.generators.reference.generate.synthesise_sound", noted)
    monkeypatch.setattr("seedbench.generators.reference.generate.write_clip", lambda *given: written.append(given[3]))
    make(request(talking(speech=speech)))
    early = round(early_s * 16000)
    assert np.array_equal(written[0], np.append(synthesised[0][early:], np.zeros(early, np.float32)))


def test_an_asset_that_cannot_be_read_fails_its_own_request_only(weights: Path, tmp_path: Path, talking: Callable[..., Prompt]) -> None:
    (tmp_path / "face.png").write_bytes(b"no picture")
    bad = talking(cast=(Character(id="ann", reference="image:1"),), references=(Asset(id="image:1", path="face.png", role="appearance"),))
    prompts = (talking(), bad, talking(music=Music(tempo_bpm=90)), talking())
    requests = [request(prompt, seed=seed, root=tmp_path) for seed, prompt in enumerate(prompts)]
    folders = [tmp_path / f"cell-{index}" for index in range(4)]
    for folder in folders:
        folder.mkdir()
    generations = Reference(weights=str(weights), steps=1).generate_many(requests, folders)
    assert [generation.status for generation in generations] == ["succeeded", "failed", "refused", "succeeded"]
    assert [generation.seed_used for generation in generations] == [0, 1, 2, 3]
    assert "face.png" in generations[1].reason
    assert "music" in generations[2].reason
    assert [folder for folder in folders if (folder / "clip.mp4").exists()] == [folders[0], folders[3]]


def test_a_language_that_nobody_can_pronounce_fails_its_request(make: Callable[..., Generation], talking: Callable[..., Prompt]) -> None:
    generation = make(request(talking(speech=(Line(character="ann", text="Qapla.", language="tlh"),))))
    assert generation.status == "failed"
    assert "tlh" in generation.reason


def test_a_prompt_it_was_not_made_for_is_refused_without_weights(tmp_path: Path, talking: Callable[..., Prompt]) -> None:
    generation = Reference(weights=str(tmp_path / "nowhere")).generate(request(talking(music=Music(tempo_bpm=90))), tmp_path)
    assert generation.status == "refused"
    assert generation.reason == "the reference model makes no music"


def test_missing_weights_are_named_with_the_command_that_trains_them(tmp_path: Path, talking: Callable[..., Prompt]) -> None:
    generator = Reference(weights=str(tmp_path / "nowhere"))
    for ask in (lambda: generator.generate(request(talking()), tmp_path), lambda: generator.identity(talking(), 0)):
        with pytest.raises(GeneratorError, match=r"there are no weights .*nowhere.*: train them with `seedbench reference train"):
            ask()


def test_a_file_that_holds_no_weights_is_named(weights: Path, tmp_path: Path, talking: Callable[..., Prompt]) -> None:
    folder = tmp_path / "wrong"
    folder.mkdir()
    (folder / "joint.safetensors").write_text("these are no weights")
    with pytest.raises(GeneratorError, match=r"joint\.safetensors holds no weights of the reference model"):
        Reference(weights=str(folder)).generate(request(talking()), tmp_path)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"twin": "third"}, "there is no twin 'third': choose joint or cascaded"),
        ({"steps": 0}, "steps must be a whole number from 1 to 1000, not 0"),
        ({"steps": 1001}, "not 1001"),
        ({"steps": 2.5}, "not 2.5"),
        ({"steps": "many"}, "not 'many'"),
        ({"steps": True}, "not True"),
        ({"guidance": -1}, "guidance must be a number from 0 to 20, not -1"),
        ({"guidance": 21}, "not 21"),
        ({"guidance": float("nan")}, "not nan"),
        ({"guidance": "strong"}, "not 'strong'"),
        ({"temperature": -0.1}, "temperature must be a number from 0 to 2, not -0.1"),
        ({"temperature": 2.1}, "not 2.1"),
    ],
)
def test_an_option_out_of_range_is_refused(options: dict[str, Any], named: str) -> None:
    with pytest.raises(GeneratorError, match=named):
        Reference(**options)


def test_an_unknown_option_is_not_taken() -> None:
    with pytest.raises(TypeError, match="stepps"):
        Reference(stepps=3)  # type: ignore[call-arg]


def test_its_identity_is_that_of_its_weights(
    weights: Path, tmp_path: Path, talking: Callable[..., Prompt], make_model: Callable[..., ReferenceModel]
) -> None:
    make_model(9).save(tmp_path / "others")
    identities = [
        Reference(twin=twin, weights=str(folder)).identity(talking(), 0)["weights"]
        for twin, folder in (("joint", weights), ("cascaded", weights), ("joint", tmp_path / "others"))
    ]
    assert len(set(identities)) == 3
    assert all(len(digest) == 64 for digest in identities)


def test_its_identity_holds_the_options_it_falls_back_on(weights: Path, talking: Callable[..., Prompt]) -> None:
    usual = Reference(weights=str(weights))
    identity = usual.identity(talking(), 0)  # a clip made with another default is another clip
    nobody = talking(cast=(), shots=(), speech=())

    def noise(prompt: Prompt, **options: Any) -> Any:
        return Reference(weights=str(weights), **options).identity(prompt, 0)["temperature"]

    assert (identity["guidance"], noise(talking()), noise(nobody)) == (usual.guidance, 0.5, 1.0)
    assert (noise(talking(), twin="cascaded"), noise(nobody, twin="cascaded")) == (1.0, 1.0)
    assert noise(talking(), twin="cascaded", temperature=0.5) == noise(nobody, temperature=0.5) == 0.5
    assert Reference(weights=str(weights), steps=7).identity(talking(), 0)["steps"] == 7


def test_it_makes_one_clip_at_a_time_and_the_same_each_time() -> None:
    capabilities = Reference().capabilities()
    assert capabilities.deterministic
    assert capabilities.batch == 1
    assert (456, 256) in capabilities.sizes


def test_neither_torch_nor_lightning_is_loaded_before_a_clip_is_made() -> None:
    code = """
import sys
from seedbench.generators.reference import Reference
Reference(twin="cascaded").capabilities()
print(sorted({"torch", "cv2", "librosa", "lightning", "scipy"} & set(sys.modules)))
import seedbench.generators.reference.generate
print(sorted({"lightning", "tensorboard"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "[]"]
