"""The training as a user runs it, in the smallest sizes there are."""

from __future__ import annotations

import copy
import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from seedbench.clips.clip import Clip
from seedbench.errors import GeneratorError, UnknownNameError
from seedbench.generators.reference import Reference
from seedbench.generators.reference.config import Config
from seedbench.generators.reference.model import ReferenceModel, Tokenizers
from seedbench.generators.reference.prompt_sampler import sample_prompt
from seedbench.generators.reference.shards import read_rows
from seedbench.generators.reference.training import encoded, fit, running, tokenizer_stages
from seedbench.generators.reference.training.batches import CodedPictureBatches
from seedbench.generators.reference.training.cells import acting_of_pictures
from seedbench.generators.reference.training.ema import HELD_OUT_LOSS, to_device, update_ema
from seedbench.generators.reference.training.optimizer import optimizer_of
from seedbench.generators.reference.training.setup import TrainingSetup, trained_grid
from seedbench.generators.reference.training.twins import TwinTraining
from seedbench.generators.reference.training.validation import ValidationResult, append_results, score_clips
from seedbench.generators.reference.transformer import TransformerConfig
from seedbench.plugins.generator import Request
from seedbench.plugins.instances import make_metrics
from seedbench.processes.stopping import SIGNALS, Stopped

TINY: dict[str, Any] = {
    "world": {"clips": 4, "stills": 4, "width": 64, "height": 32},
    "grid": {"steps": 3, "batch": 4, "cell": 4, "channels": [8, 8, 8]},
    "coder": {"steps": 3, "n_clips": 2, "pictures": 2, "n_stills": 2, "person": 8, "shot": 8, "motion": 4, "seen": 16, "hidden": 16},
    "polish": {"steps": 2, "batch": 6},
    "faces": {"steps": 2, "batch": 6, "side": 16, "channels": [8, 8, 8]},
    "codec": {"steps": 3, "batch": 2, "codes": 4, "code": 8, "channels": 8},
    "transformer": {"width": 16, "depth": 1, "heads": 2, "text_depth": 1, "spread": 2},
    "twins": {"steps": 4, "batch": 2, "still_every": 2},
    "machine": {"accelerator": "cpu", "devices": 1, "precision": "32-true", "checkpoint_every": 100},
    "validation": {"loss_every": 0, "every": 0},
}

LOOKS = {"loss_every": 2, "clips": 1, "stills": 1, "batches": 2}
"""The loss on two held-out batches is measured after every second step."""


def tiny(**changes: dict[str, Any]) -> Config:
    """The smallest config, with some settings of some sections changed."""
    return Config.model_validate({**TINY, **{name: TINY[name] | section for name, section in changes.items()}})


def nothing(line: str) -> None:
    """Report to nobody."""


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shards of four clips and four stills."""
    folder = tmp_path_factory.mktemp("shards")
    setup = TrainingSetup(tiny(), "tiny", folder, folder, None, nothing)
    fit.render(setup.shard_jobs, processes=1, report=nothing)
    return folder


@pytest.fixture(scope="module")
def trained(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished training, with a validation after its last step."""
    out = tmp_path_factory.mktemp("trained")
    checks = {"every": 1000, "prompts": 4, "metrics": ["impact", "video_distance"], "sampling_steps": 1}
    fit.train(tiny(validation=checks | LOOKS), name="tiny", out=out, shards_folder=shards, report=nothing)
    return out


def begun(trained: Path, folder: Path) -> Path:
    """A folder as the finished training left it before its twins."""
    folder.mkdir()
    for name in ("config.yaml", "begun.json", "tokenizers.safetensors", "stages.json"):
        shutil.copy(trained / name, folder / name)
    shutil.copytree(trained / "stages", folder / "stages")
    return folder


def interrupt_at(step: int, how: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send this process a signal, once, within a step of a twin."""
    inner: Callable[..., Any] = TwinTraining.training_step
    pressed = []

    def pressing(self: TwinTraining, *args: Any) -> Any:
        if self.global_step == step and not pressed:
            pressed.append(True)
            signal.raise_signal(how)
        return inner(self, *args)

    monkeypatch.setattr(TwinTraining, "training_step", pressing)


def test_trained_weights_make_a_clip(trained: Path, tmp_path: Path) -> None:
    prompt = sample_prompt(10_000_000, kind="talking").prompt
    generation = Reference(weights=str(trained), steps=2).generate(Request(prompt=prompt, seed=1, width=64, height=32), tmp_path)
    assert generation.status == "succeeded"
    assert generation.file is not None
    clip = Clip.open(generation.file)
    assert clip.facts.has_audio
    assert len(clip.video) == round(prompt.duration_s * 25)


def test_twins_differ_only_in_their_weights(trained: Path) -> None:
    joint, cascaded = (ReferenceModel.load(twin, trained) for twin in ("joint", "cascaded"))
    assert joint.trained["params"] == cascaded.trained["params"] == sum(weight.numel() for weight in joint.transformer.parameters())
    assert joint.trained["steps"] == cascaded.trained["steps"] == 4
    assert joint.trained["tokenizers"] == "grid 3 steps, coder 3 steps, polish 2 steps, faces 2 steps, codec 3 steps"
    assert joint.trained["clips"] == 4
    same = [torch.equal(a, b) for a, b in zip(joint.transformer.parameters(), cascaded.transformer.parameters(), strict=True)]
    assert not all(same)


def test_validation_is_written_down(trained: Path) -> None:
    lines = (trained / "validation.csv").read_text().splitlines()
    assert lines[0] == "twin,step,metric,measure,value,answered,asked"
    rows = [line.split(",") for line in lines[1:]]
    assert {tuple(row[:3]) for row in rows} <= {
        (twin, "4", name) for twin in ("joint", "cascaded") for name in ("impact", "video_distance")
    }
    (distance,) = (row for row in rows if row[0] == "joint" and row[3] == "fd")
    assert float(distance[4]) > 0, "a twin of four steps is no simulator"
    assert distance[5:] == ["4", "4"]
    assert len(list((trained / "samples" / "simulator").glob("*.mp4"))) == 4
    assert list((trained / "samples" / "joint").glob("*4/*/clip.mp4"))
    assert list((trained / "logs" / "joint").glob("events*"))


def test_every_stage_shows_its_held_out_loss(trained: Path, shards: Path) -> None:
    for stage in ("grid", "coder", "polish", "faces", "codec", "joint", "cascaded"):
        board = EventAccumulator(str(trained / "logs" / stage)).Reload()
        looks = board.Scalars(f"{stage}/{HELD_OUT_LOSS}")
        steps = TINY.get(stage, TINY["twins"])["steps"]
        assert [point.step for point in looks] == list(range(1, steps, 2)), (
            "after the second step (they count from 0), the fourth and so on"
        )
        assert all(0 < point.value < 100 for point in looks)
    aside = sorted(file.name for file in shards.glob("*-1-*"))
    assert [name.split("-")[:4] for name in aside] == [[kind, "1", "000000", "000001"] for kind in ("clips", "stills")]


def test_measuring_the_held_out_loss_changes_no_weight_and_uses_the_ema(
    trained: Path, shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[float]] = []
    inner = TwinTraining.losses

    def noting(self: TwinTraining, net: Any, batch: Any, seed: int) -> dict[str, torch.Tensor]:
        if not self.training:
            assert net is self.average.module
            assert not torch.is_grad_enabled()
            seen.append([float(state.sum()) for state in batch.states.each()])
        return inner(self, net, batch, seed)

    monkeypatch.setattr(TwinTraining, "losses", noting)
    out = begun(trained, tmp_path / "again")
    looking = tiny(validation=LOOKS | {"loss_every": 1})
    fit.train(looking, name="tiny", out=out, shards_folder=shards, twins=("joint",), report=nothing)
    assert len(seen) == 8
    assert seen[0] != seen[1]
    assert seen == seen[:2] * 4, "the same batches, with the same tasks, at every look"
    with_looks, others = load_file(out / "joint.safetensors"), load_file(trained / "joint.safetensors")
    assert all(torch.equal(with_looks[name], others[name]) for name in others)


@pytest.mark.parametrize(("step", "how"), [(1, signal.SIGINT), (3, signal.SIGTERM)], ids=["midway", "in the last step"])
def test_an_interrupted_training_ends_with_the_same_weights(
    step: int, how: signal.Signals, trained: Path, shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = begun(trained, tmp_path / "again")
    looking = tiny(validation=LOOKS)  # it is interrupted when a look is due
    interrupt_at(step, how, monkeypatch)
    handlers = [signal.getsignal(signum) for signum in SIGNALS]
    lines: list[str] = []
    with pytest.raises(Stopped) as stopped:
        fit.train(looking, name="tiny", out=out, shards_folder=shards, report=lines.append)
    assert stopped.value.signum == how
    assert [signal.getsignal(signum) for signum in SIGNALS] == handlers
    last = out / "checkpoints" / "joint" / "last.ckpt"
    assert lines[-1] == f"joint: stopped at step {step + 1} of 4; the same command goes on from there ({last})"
    assert running.checkpoint_step(last) == step + 1
    fit.train(looking, name="tiny", out=out, shards_folder=shards, report=lines.append)
    assert any(f"resuming from step {step + 1}" in line for line in lines)
    for twin in ("joint", "cascaded"):
        unbroken, resumed = load_file(trained / f"{twin}.safetensors"), load_file(out / f"{twin}.safetensors")
        assert all(torch.equal(unbroken[name], resumed[name]) for name in unbroken)
        assert ReferenceModel.load(twin, out).trained["seconds"] > 0


def test_a_finished_training_does_nothing(trained: Path, shards: Path) -> None:
    lines: list[str] = []
    fit.train(tiny(), out=trained, shards_folder=shards, report=lines.append)
    assert lines == [f"nothing is left to do: joint and cascaded are in {trained}"]


def test_one_twin_alone_leaves_the_other_to_another_process(trained: Path, shards: Path, tmp_path: Path) -> None:
    out = begun(trained, tmp_path / "again")
    lines: list[str] = []
    fit.train(tiny(), name="tiny", out=out, shards_folder=shards, twins=("cascaded",), report=lines.append)
    assert (out / "cascaded.safetensors").exists()
    assert not (out / "joint.safetensors").exists()
    fit.train(tiny(), name="tiny", out=out, shards_folder=shards, twins=("joint",), report=nothing)
    for twin in ("joint", "cascaded"):
        both, alone = load_file(trained / f"{twin}.safetensors"), load_file(out / f"{twin}.safetensors")
        assert all(torch.equal(both[name], alone[name]) for name in both)


def test_the_polish_changes_only_the_decoders(trained: Path) -> None:
    before = {f"grid.{name}": tensor for name, tensor in load_file(trained / "stages" / "grid.safetensors").items()}
    before |= load_file(trained / "stages" / "coder.safetensors")
    after = load_file(trained / "stages" / "polish.safetensors")
    moved_names = {name for name in after if not torch.equal(before[name], after[name])}
    assert moved_names
    assert all(name.startswith(("decoder.", "grid.up.")) for name in moved_names)


def test_starting_from_weights_keeps_what_gets_no_steps(trained: Path, shards: Path, tmp_path: Path) -> None:
    config = tiny(grid={"steps": 0}, coder={"steps": 0}, polish={"steps": 0}, faces={"steps": 0}, codec={"steps": 0}, twins={"steps": 1})
    fit.train(config, out=tmp_path, shards_folder=shards, start=trained, report=nothing)
    before, after = (Tokenizers.load(folder / "tokenizers.safetensors") for folder in (trained, tmp_path))
    assert torch.allclose(before.video.grid.down[0].weight, after.video.grid.down[0].weight, atol=1e-3)
    started = ReferenceModel.load("joint", tmp_path)
    assert started.vocabulary == ReferenceModel.load("joint", trained).vocabulary
    assert started.trained["started_from"] == trained.name


def test_twins_that_get_no_steps_keep_the_scale_of_their_codes(trained: Path, shards: Path, tmp_path: Path) -> None:
    config = tiny(grid={"steps": 0}, coder={"steps": 2}, polish={"steps": 0}, faces={"steps": 0}, codec={"steps": 0}, twins={"steps": 0})
    fit.train(config, out=tmp_path, shards_folder=shards, start=trained, report=nothing)
    before, after = (ReferenceModel.load("joint", folder).scale for folder in (trained, tmp_path))
    assert all(torch.equal(before.deviation[kind], after.deviation[kind]) for kind in before.deviation)


def test_a_training_resumes_only_with_its_first_weights_and_shards(
    trained: Path, shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny(grid={"steps": 1}, coder={"steps": 1}, polish={"steps": 1}, faces={"steps": 1}, codec={"steps": 1}, twins={"steps": 1})
    fit.train(config, out=tmp_path, shards_folder=shards, start=trained, report=nothing)
    with pytest.raises(GeneratorError, match="begun with the weights of another --start"):
        fit.train(config, out=tmp_path, shards_folder=shards, report=nothing)
    with pytest.raises(GeneratorError, match="was begun without --start"):
        fit.train(tiny(validation={"every": 0}), out=trained, shards_folder=shards, start=tmp_path, report=nothing)
    monkeypatch.setattr("seedbench.generators.reference.shards.VERSION", 99)
    with pytest.raises(GeneratorError, match="they are of version 99 now"):
        fit.train(config, out=tmp_path, shards_folder=shards, start=trained, report=nothing)


def test_an_unknown_validation_metric_is_refused_before_anything_is_trained(shards: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="lipsinc"):
        fit.train(tiny(validation={"every": 1, "metrics": ["lipsinc"]}), out=tmp_path / "new", shards_folder=shards)
    assert not (tmp_path / "new").exists()


def test_latents_are_made_by_the_stored_tokenizers(trained: Path, shards: Path, tmp_path: Path) -> None:
    out = begun(trained, tmp_path / "again")
    setup = TrainingSetup(tiny(), "tiny", out, shards, None, nothing)
    exported = Tokenizers.load(out / "tokenizers.safetensors")
    stage = load_file(out / "stages" / "grid.safetensors")
    assert torch.equal(encoded.grid_for_cells(setup, exported).down[0].weight, stage["down.0.weight"])  # the stage's own, not yet rounded
    with torch.no_grad():
        exported.video.grid.down[0].weight.mul_(1.1)
    assert encoded.grid_for_cells(setup, exported) is exported.video.grid  # another training's


def test_twins_learn_the_acting_that_the_simulator_knows(trained: Path, shards: Path, tmp_path: Path) -> None:
    setup = TrainingSetup(tiny(), "tiny", begun(trained, tmp_path / "again"), shards, None, nothing)
    rows = [row for file in setup.training_files.all for row in read_rows(file)]
    examples = encoded.load_examples(setup, setup.training_files, encoded.training_vocabulary(setup))
    pairs = [(row, example) for row, example in zip(rows, examples, strict=True) if row.prompt.cast and example.timed]
    assert pairs
    for row, example in pairs:
        motion = example.codes[2].reshape(-1, 4)[: len(row.pictures)]
        assert torch.allclose(motion, torch.from_numpy(row.acting), atol=1e-2)  # kept as 16-bit numbers


def test_the_painter_learns_from_the_acting_that_the_simulator_knows(trained: Path, shards: Path) -> None:
    setup = TrainingSetup(tiny(), "tiny", trained, shards, None, nothing)
    video = tokenizer_stages.video_tokenizer(setup).eval().requires_grad_(False)
    acting = acting_of_pictures(setup.training_files.all, encoded.load_cells(setup, setup.training_files, trained_grid(setup)))
    known = ~acting.isnan().any(1)
    assert known.any()
    painter = tokenizer_stages.coded_picture_batches(setup, video, batch=6, faces_only=True)(setup.training_files)
    polish = tokenizer_stages.coded_picture_batches(setup, video, batch=6)(setup.training_files)
    assert isinstance(painter, CodedPictureBatches)
    assert isinstance(polish, CodedPictureBatches)
    assert torch.equal(painter.codes[2][known], acting[known])
    assert not torch.isclose(polish.codes[2][known], acting[known]).any(0).all()
    assert torch.equal(painter.codes[2][~known], polish.codes[2][~known])  # where nobody knows better, the encoder's word


def test_a_begun_folder_refuses_another_config(trained: Path, shards: Path) -> None:
    with pytest.raises(GeneratorError, match=r"twins\.steps was 4, is 9"):
        fit.train(tiny(twins={"steps": 9}), out=trained, shards_folder=shards)


def test_twins_alone_need_tokenizers(tmp_path: Path) -> None:
    with pytest.raises(GeneratorError, match=r"--twins-only needs tokenizers\.safetensors"):
        fit.train(tiny(), out=tmp_path, twins_only=True)


def test_twins_alone_train_to_tokenizers_of_any_origin(trained: Path, shards: Path, tmp_path: Path) -> None:
    shutil.copy(trained / "tokenizers.safetensors", tmp_path)
    fit.train(tiny(twins={"steps": 1}, coder={"motion": 5}), out=tmp_path, shards_folder=shards, twins_only=True, report=nothing)
    assert ReferenceModel.load("joint", tmp_path).transformer.config.codes["video"] == 8
    assert ReferenceModel.load("cascaded", tmp_path).trained["tokenizers"] == ""


def test_tokenizers_of_another_size_are_refused(trained: Path, tmp_path: Path) -> None:
    shutil.copy(trained / "tokenizers.safetensors", tmp_path)
    with pytest.raises(GeneratorError, match="is for pictures of 64 x 32, the config's world has 96 x 32"):
        fit.train(tiny(world={"width": 96, "clips": 1, "stills": 1}), out=tmp_path, twins_only=True, report=nothing)


def test_no_steps_need_weights_to_start_from(tmp_path: Path) -> None:
    with pytest.raises(GeneratorError, match="keeps the weights of --start"):
        fit.train(tiny(codec={"steps": 0}), out=tmp_path)


def test_weights_of_other_sizes_are_refused(trained: Path, shards: Path, tmp_path: Path) -> None:
    with pytest.raises(GeneratorError, match="other sizes than the config"):
        fit.train(tiny(grid={"steps": 0, "cell": 2}), out=tmp_path, shards_folder=shards, start=trained, report=nothing)


def test_both_optimizers_are_saved_and_loaded_as_one() -> None:
    def one_step(net: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
        optimizer.zero_grad()
        net(torch.ones(2, 8)).square().sum().backward()
        optimizer.step()

    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.LayerNorm(8))
    optimizer = optimizer_of(net, 0.01)
    one_step(net, optimizer)
    other = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.LayerNorm(8))
    other.load_state_dict(net.state_dict())
    resumed = optimizer_of(other, 0.01)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for _ in range(2):
        one_step(net, optimizer)
        one_step(other, resumed)
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), other.parameters(), strict=True))
    assert len(optimizer.state) == len(list(net.parameters()))


def test_the_ema_follows_fast_at_first_and_slowly_later() -> None:
    average = [torch.zeros(1)]
    update_ema(average, [torch.ones(1)], 0)
    assert average[0].item() == pytest.approx(0.9)
    late = [torch.zeros(1)]
    update_ema(late, [torch.ones(1)], 10**6)
    assert late[0].item() == pytest.approx(0.001)


def test_only_tensors_are_moved() -> None:
    with pytest.raises(TypeError, match="not str"):
        to_device("text", torch.device("cpu"))


def test_validation_results_are_appended(tmp_path: Path) -> None:
    file = tmp_path / "validation.csv"
    append_results(file, "joint", 5, [ValidationResult("lipsync", "in_sync", 0.5, 2, 3)])
    append_results(file, "joint", 9, [ValidationResult("lipsync", "in_sync", None, 0, 3)])
    assert file.read_text().splitlines()[1:] == ["joint,5,lipsync,in_sync,0.5,2,3", "joint,9,lipsync,in_sync,,0,3"]


def test_a_distance_to_nothing_is_no_answer(tmp_path: Path) -> None:
    prompt = sample_prompt(10_000_000, kind="talking").prompt
    results = score_clips([tmp_path / "clip.mp4"], [prompt], ["video_distance"], lambda: [None])
    assert {(result.value, result.answered, result.asked) for result in results} == {(None, 0, 1)}
    assert score_clips([None], [prompt], ["video_distance"], lambda: [None]) == []


def test_shipped_validation_metrics_are_registered() -> None:
    assert tuple(make_metrics(Config().validation.metrics)) == Config().validation.metrics


def test_twins_have_equally_many_parameters() -> None:
    sizes = TransformerConfig(width=16, depth=1, heads=2, words=4, symbols=4)
    counts = [sum(weight.numel() for weight in TwinTraining(sizes, twin, steps=1).net.parameters()) for twin in ("joint", "cascaded")]
    assert counts[0] == counts[1]


def test_stages_record_steps_and_seconds(trained: Path) -> None:
    stages = json.loads((trained / "stages.json").read_text())
    assert list(stages) == ["grid", "coder", "polish", "faces", "codec", "joint", "cascaded"]
    assert [stage["steps"] for stage in stages.values()] == [3, 3, 2, 2, 3, 4, 4]
    assert all(stage["seconds"] > 0 for stage in stages.values())
