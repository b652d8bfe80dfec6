"""Clips that are named after the prompts of a file, and files of any content in the place of one."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seedbench.errors import SuiteError
from seedbench.generators.imported import Imported
from seedbench.generators.imported.listing import list_clips
from seedbench.generators.imported.manifest import ManifestError
from seedbench.plugins.instances import make_generator
from seedbench.runs.make_spec import make_spec
from seedbench.runs.plan import plan
from seedbench.suites.loading import load_suite
from seedbench.suites.prompt_files import SUFFIXES

PROMPTS = ("a bird and a cat", "A bird and a cat", "In a still frame, a stop sign", "a long " + "winding road " * 8 + "ends")


@pytest.mark.filterwarnings("ignore:info:UserWarning")
@pytest.mark.parametrize("own_ids", [False, True])
def test_clips_named_as_vbench_names_them_fit_its_list_of_prompts(tmp_path: Path, own_ids: bool) -> None:
    clips = tmp_path / "lavie"
    clips.mkdir()
    for text in PROMPTS:
        for seed in range(3):
            (clips / f"{text}-{seed}.mp4").write_bytes(f"{text} {seed}".encode())
    rows = [{"prompt_en": text, "dimension": ["colour"], "auxiliary_info": {}} for text in PROMPTS]
    listed = [{"id": f"p{number}"} | row for number, row in enumerate(rows)] if own_ids else rows
    (tmp_path / "info.json").write_text(json.dumps(listed))
    spec = make_spec([f"import:path={clips}"], suite=str(tmp_path / "info.json"))
    cells = plan(spec)
    generator = make_generator(spec.generators[0])
    assert isinstance(generator, Imported)
    files = {(cell.prompt.text, cell.seed): generator.clip_file(cell.prompt, cell.seed) for cell in cells}
    assert files == {(text, seed): clips / f"{text}-{seed}.mp4" for text in PROMPTS for seed in range(3)}
    assert [cell.refusal for cell in cells if cell.refusal] == []


BYTES = st.binary(max_size=60) | st.text('id,text;\t"\r\n[]{}:01.a\xe9\0', max_size=60).map(str.encode)


@given(
    st.sampled_from(
        [b"", b"text\n", b"id,text\n1,", b'{"text": "', b'[{"prompt_en": "x"}, ', b"\xff\xfe", b"generator,prompt_id,file\na,"]
    ),
    BYTES,
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
def test_any_bytes_are_read_or_refused_in_a_sentence(tmp_path: Path, start: bytes, rest: bytes) -> None:
    for suffix in SUFFIXES:
        file = tmp_path / f"any{suffix}"
        file.write_bytes(start + rest)
        with contextlib.suppress(SuiteError):
            load_suite(file)
        with contextlib.suppress(ManifestError):
            list_clips(file)
