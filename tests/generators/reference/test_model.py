"""Saving and loading: what comes back, how small, and what its digest says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from seedbench.errors import GeneratorError
from seedbench.generators.reference.model import TOKENIZERS_FILE, CodeScale, ReferenceModel, Tokenizers, weights_digest
from seedbench.generators.reference.transformer import KINDS, Latents


def parts(model: ReferenceModel) -> dict[str, torch.Tensor]:
    """All weights under one roof."""
    modules = {"transformer": model.transformer, "video": model.tokenizers.video, "sound": model.tokenizers.sound}
    return {f"{part}.{name}": tensor for part, module in modules.items() for name, tensor in module.state_dict().items()}


def test_unpacked_weights_are_stored_exactly(model: ReferenceModel, tmp_path: Path) -> None:
    model.save(tmp_path, packed=False)
    loaded = parts(ReferenceModel.load("joint", tmp_path))
    assert loaded.keys() == parts(model).keys()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in parts(model).items())


def test_packed_weights_are_stored_within_eight_bits(model: ReferenceModel, weights: Path) -> None:
    loaded = parts(ReferenceModel.load("joint", weights))
    packed = 0
    for name, tensor in parts(model).items():
        off = (loaded[name] - tensor).abs()
        if tensor.ndim == 2 and tensor.numel() >= 4096:
            packed += 1
            assert (off <= tensor.abs().amax(1, keepdim=True) / 127 * 0.51 + 1e-6).all(), name
        else:
            assert (off <= tensor.abs() * 2**-10 + 1e-6).all(), name
    assert packed >= 3


def test_rows_of_zeros_are_stored_as_zeros(make_model: Callable[..., ReferenceModel], tmp_path: Path) -> None:
    model = make_model(1)
    model.transformer.gram.weight[3] = 0
    model.transformer.gram.weight[4] = 1e-12
    with safe_open(model.save(tmp_path), "pt") as opened:
        assert (opened.get_tensor("gram.weight.row") > 0).all()
    loaded = ReferenceModel.load("joint", tmp_path).transformer.gram.weight
    assert torch.isfinite(loaded).all()
    assert loaded[3:5].abs().max() < 1e-6


def test_everything_besides_weights_is_stored_exactly(model: ReferenceModel, tmp_path: Path) -> None:
    scaled = replace(
        model,
        twin="cascaded",
        scale=CodeScale({kind: torch.rand(16) for kind in KINDS}, {kind: torch.rand(16) + 0.5 for kind in KINDS}),
        trained={"steps": 12, "on": "two cores"},
    )
    assert scaled.save(tmp_path) == tmp_path / "cascaded.safetensors"
    loaded = ReferenceModel.load("cascaded", tmp_path)
    assert loaded.twin == "cascaded"
    assert loaded.trained == scaled.trained
    assert asdict(loaded.vocabulary) == asdict(model.vocabulary)
    assert loaded.transformer.config == model.transformer.config
    assert loaded.tokenizers.video.config == model.tokenizers.video.config
    assert loaded.tokenizers.sound.config == model.tokenizers.sound.config
    for kind in KINDS:
        assert torch.equal(loaded.scale.mean[kind], scaled.scale.mean[kind])
        assert torch.equal(loaded.scale.deviation[kind], scaled.scale.deviation[kind])


def test_a_loaded_model_is_ready_to_sample_from(weights: Path) -> None:
    loaded = ReferenceModel.load("joint", weights)
    for module in (loaded.transformer, loaded.tokenizers.video, loaded.tokenizers.sound):
        assert not module.training
        assert not any(parameter.requires_grad for parameter in module.parameters())


def test_packed_files_are_smaller(model: ReferenceModel, tmp_path: Path) -> None:
    packed, whole = model.save(tmp_path / "packed"), model.save(tmp_path / "whole", packed=False)
    assert packed.stat().st_size < 0.6 * whole.stat().st_size
    assert (tmp_path / "packed" / TOKENIZERS_FILE).stat().st_size < 0.7 * (tmp_path / "whole" / TOKENIZERS_FILE).stat().st_size


def test_saving_twice_gives_the_same_file(model: ReferenceModel, tmp_path: Path) -> None:
    assert model.save(tmp_path / "a").read_bytes() == model.save(tmp_path / "b").read_bytes()
    assert not list(tmp_path.rglob("*.partial"))


def test_twins_share_their_tokenizers(model: ReferenceModel, tmp_path: Path) -> None:
    model.save(tmp_path)
    written = (tmp_path / TOKENIZERS_FILE).stat().st_mtime_ns
    replace(model, twin="cascaded").save(tmp_path)
    assert (tmp_path / TOKENIZERS_FILE).stat().st_mtime_ns == written
    assert len(list(tmp_path.iterdir())) == 3


def test_the_digest_changes_with_the_weights_of_the_twin_or_the_tokenizers(
    model: ReferenceModel, make_model: Callable[..., ReferenceModel], tmp_path: Path
) -> None:
    model.save(tmp_path)
    before = weights_digest("joint", tmp_path)
    assert before == weights_digest("joint", tmp_path)
    make_model(5).tokenizers.save(tmp_path / TOKENIZERS_FILE)
    between = weights_digest("joint", tmp_path)
    make_model(5).save(tmp_path)
    assert len({before, between, weights_digest("joint", tmp_path)}) == 3


@pytest.mark.parametrize("missing", [TOKENIZERS_FILE, "joint.safetensors"])
def test_a_missing_file_is_named(model: ReferenceModel, tmp_path: Path, missing: str) -> None:
    model.save(tmp_path)
    (tmp_path / missing).unlink()
    for ask in (lambda: ReferenceModel.load("joint", tmp_path), lambda: weights_digest("joint", tmp_path)):
        with pytest.raises(GeneratorError, match=f"there are no weights {missing}"):
            ask()


def test_an_unknown_twin_is_refused(weights: Path) -> None:
    with pytest.raises(GeneratorError, match="choose joint or cascaded"):
        ReferenceModel.load("third", weights)  # type: ignore[arg-type]


@pytest.mark.parametrize("file", [TOKENIZERS_FILE, "joint.safetensors"])
def test_weights_of_another_program_are_refused(model: ReferenceModel, tmp_path: Path, file: str) -> None:
    from safetensors.torch import save_file

    model.save(tmp_path)
    save_file({"x": torch.zeros(3)}, tmp_path / file)
    with pytest.raises(GeneratorError, match=f"{file} holds no weights of the reference model"):
        ReferenceModel.load("joint", tmp_path)


def test_swapped_files_are_refused(model: ReferenceModel, tmp_path: Path) -> None:
    model.save(tmp_path)
    twin, tokenizers = (tmp_path / "joint.safetensors").read_bytes(), (tmp_path / TOKENIZERS_FILE).read_bytes()
    (tmp_path / "joint.safetensors").write_bytes(tokenizers)
    with pytest.raises(GeneratorError, match=r"joint\.safetensors holds no weights"):
        ReferenceModel.load("joint", tmp_path)
    (tmp_path / "joint.safetensors").write_bytes(twin)
    (tmp_path / TOKENIZERS_FILE).write_bytes(twin)
    with pytest.raises(GeneratorError, match=f"{TOKENIZERS_FILE} holds no weights"):
        Tokenizers.load(tmp_path / TOKENIZERS_FILE)


def test_a_truncated_file_is_refused(model: ReferenceModel, tmp_path: Path) -> None:
    file = model.save(tmp_path)
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(GeneratorError, match=r"joint\.safetensors holds no weights"):
        ReferenceModel.load("joint", tmp_path)


def test_scaling_and_unscaling_are_inverse() -> None:
    scale = CodeScale({kind: torch.tensor([1.0, 2.0]) for kind in KINDS}, {kind: torch.tensor([0.5, 4.0]) for kind in KINDS})
    codes = Latents(*(torch.randn(1, size, 2) for size in (1, 2, 3, 4)))
    down = scale.scaled(codes)
    assert torch.allclose(down.video, (codes.video - torch.tensor([1.0, 2.0])) / torch.tensor([0.5, 4.0]))
    for original, other in zip(codes.each(), scale.unscaled(down).each(), strict=True):
        assert torch.allclose(original, other, atol=1e-6)
