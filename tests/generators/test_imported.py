"""Imported clips: how folders and manifests are read, and the errors for mistakes in them."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbench.generators.imported import Imported, suite_of, texts_of
from seedbench.generators.imported.listing import entries, generators_of, list_clips
from seedbench.generators.imported.manifest import ManifestError
from seedbench.plugins.generator import Request
from seedbench.suites.prompt import Prompt
from seedbench.suites.prompt_ids import slug


def clip(file: Path, content: bytes = b"clip") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def manifest(folder: Path, text: str, name: str = "clips.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def prompt(name: str) -> Prompt:
    return Prompt(id=name, text="", task="unknown")


def test_the_names_of_files_give_prompt_and_seed(tmp_path: Path) -> None:
    for name in ("talk-01.mp4", "talk-02__seed3.mov", "Grüße!.webm", "notes.txt", ".hidden.mp4"):
        clip(tmp_path / "mine" / name)
    clips = entries(tmp_path / "mine")
    assert [(imported.generator, imported.prompt_id, imported.seed) for imported in clips] == [
        ("mine", "grusse-9c7755", None),
        ("mine", "talk-01", None),
        ("mine", "talk-02", 3),
    ]


def test_sub_folders_are_generators(tmp_path: Path) -> None:
    clip(tmp_path / "b" / "one.mp4")
    clip(tmp_path / "a" / "one.mp4")
    assert [(imported.generator, imported.prompt_id) for imported in entries(tmp_path)] == [("a", "one"), ("b", "one")]
    variants = Imported.variants(path=str(tmp_path))
    assert variants == {"a": {"path": str(tmp_path), "generator": "a"}, "b": {"path": str(tmp_path), "generator": "b"}}
    assert Imported(**variants["b"]).clips[0].file == tmp_path / "b" / "one.mp4"
    assert Imported.variants(path="x", generator="a") == {"a": {"path": "x", "generator": "a"}}


def test_links_to_folders_of_the_same_name_are_separate_generators(tmp_path: Path) -> None:
    for run, name in (("runA", "p1.mp4"), ("runB", "p1.mp4")):
        clip(tmp_path / run / "out" / name, run.encode())
    (tmp_path / "clips").mkdir()
    for link, run in (("modelA", "runA"), ("modelB", "runB")):
        (tmp_path / "clips" / link).symlink_to(tmp_path / run / "out")
    assert [(imported.generator, imported.file.read_bytes()) for imported in entries(tmp_path / "clips")] == [
        ("modelA", b"runA"),
        ("modelB", b"runB"),
    ]
    assert generators_of(entries(tmp_path / "clips" / "modelA")) == ["modelA"]


def test_a_folder_and_a_sub_folder_of_the_same_name_are_refused(tmp_path: Path) -> None:
    clip(tmp_path / "mine" / "a.mp4")
    clip(tmp_path / "mine" / "mine" / "b.mp4")
    with pytest.raises(ManifestError, match="both hold clips and have the same name"):
        entries(tmp_path / "mine")


def test_other_content_of_a_folder_is_reported(tmp_path: Path) -> None:
    for name in (
        "a.mp4",
        "notes.txt",
        "b.psd",
        ".hidden.mp4",
        "one/c.mp4",
        "one/c.json",
        "one/2024/d.mp4",
        "two/2025/e.mp4",
        "empty/x.txt",
    ):
        clip(tmp_path / "mine" / name)
    (tmp_path / "mine" / "one" / "logs").mkdir()
    (tmp_path / "mine" / "lost.mp4").symlink_to(tmp_path / "nowhere.mp4")
    listed = list_clips(tmp_path / "mine")
    assert [(imported.generator, imported.prompt_id) for imported in listed.clips] == [("mine", "a"), ("mine", "lost"), ("one", "c")]
    assert listed.left_out == (
        "mine: 1 sub-folder (empty) without clips.",
        "mine: the clips in 2 folders (one/2024, two/2025) are left out: only sub-folders of the path are read.",
        "mine: 1 clip (.hidden.mp4) left out, whose names begin with a dot.",
        "mine: 4 files (b.psd, notes.txt, x.txt, c.json) left out, whose names do not end like those of clips.",
    )
    generation = Imported(path=str(tmp_path / "mine"), generator="mine").generate(Request(prompt=prompt("lost"), seed=0), tmp_path)
    assert generation.status == "failed"
    assert "which is not a file" in generation.reason


def test_unknown_columns_are_reported_with_close_names(tmp_path: Path) -> None:
    path = manifest(tmp_path, "generator,prompt_id,file,seeds,app\nveo,a,1.mp4,3,web\n")
    left_out = ("clips.csv: 2 columns (seeds, app) kept as metadata and not used otherwise ('seeds' looks like 'seed').",)
    assert list_clips(path).left_out == left_out
    clip(tmp_path / "clips" / "a.mp4")
    texts = manifest(tmp_path, "prompt_id,text,lang\na,One,en\nb,Two,fr\n", "prompts.csv")
    assert Imported(path=str(tmp_path / "clips"), prompts=str(texts)).remarks([prompt("a")], (0,)) == [
        "prompts.csv: no clip of 1 prompt (b) is there; these texts are left out.",
        "prompts.csv: 1 column (lang) not read.",
    ]


def test_claims_about_a_clip_are_part_of_its_identity(tmp_path: Path) -> None:
    clip(tmp_path / "1.mp4")

    def identity(cost: str) -> object:
        return Imported(path=str(manifest(tmp_path, f"generator,prompt_id,file,cost_usd\nveo,a,1.mp4,{cost}\n"))).identity(prompt("a"), 0)

    plain = {"file_sha256": hashlib.sha256(b"clip").hexdigest()}
    assert identity("") == plain
    assert identity("0.5") == {**plain, "claimed": {"cost_usd": 0.5}}
    assert Imported(path=str(tmp_path / "clips.csv")).earlier_identities(prompt("a"), 0) == (plain,)


def test_seeds_keep_all_their_digits(tmp_path: Path) -> None:
    large = 2**62 + 1
    assert entries(manifest(tmp_path, f"generator,prompt_id,file,seed\na,b,c.mp4,{large}\n"))[0].seed == large
    (tmp_path / "f").mkdir()
    clip(tmp_path / "f" / f"b__seed{10**20}.mp4")
    with pytest.raises(ManifestError, match="is larger than"):
        entries(tmp_path / "f")


def test_a_manifest_may_have_seed_latency_cost_and_other_columns(tmp_path: Path) -> None:
    text = (
        "generator,prompt_id,file,seed,latency_s,cost_usd,metadata,app\n"
        'veo,Talk 01,v/1.mp4,4,12.5,0.3,"{""size"": ""720p""}",web\n'
        "\n"
        "ray,talk-01,/elsewhere/1.mp4,,,,,\n"
    )
    first, second = entries(manifest(tmp_path, text))
    assert (first.generator, first.prompt_id, first.file) == ("veo", "talk-01", tmp_path / "v" / "1.mp4")
    assert (first.seed, first.latency_s, first.cost_usd) == (4, 12.5, 0.3)
    assert first.metadata == {"app": "web", "size": "720p"}
    assert (second.file, second.seed, second.metadata) == (Path("/elsewhere/1.mp4"), None, {})
    assert (first.where, second.where) == (f"{tmp_path}/clips.csv:2", f"{tmp_path}/clips.csv:4")


def test_json_lines_and_tabs_are_read_like_commas(tmp_path: Path) -> None:
    row = {"generator": "veo", "prompt_id": "one", "file": "1.mp4", "seed": 2}
    comma = entries(manifest(tmp_path, "\ufeffgenerator,prompt_id,file,seed\nveo,one,1.mp4,2\n"))
    tabbed = entries(manifest(tmp_path, "generator\tprompt_id\tfile\tseed\nveo\tone\t1.mp4\t2\n", "clips.tsv"))
    lines = entries(manifest(tmp_path, json.dumps(row) + "\n\n", "clips.jsonl"))
    for clips in (comma, tabbed, lines):
        assert [(imported.generator, imported.prompt_id, imported.file, imported.seed) for imported in clips] == [
            ("veo", "one", tmp_path / "1.mp4", 2)
        ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "clips.csv: empty; the first line must name the columns generator, prompt_id, file"),
        ("generator,prompt_id,file\n", "clips.csv: lists no clips"),
        (
            "generator,promt_id,file\n",
            "clips.csv:1: no column 'prompt_id' (did you mean 'promt_id'?); the columns are generator, promt_id, file",
        ),
        ("generator,prompt_id,file,file\n", "clips.csv:1: columns 3 and 4 are both called 'file'"),
        ("generator,prompt_id,file\na,b\n", "clips.csv:2: 2 cells where the header has 3 columns"),
        ("generator,prompt_id,file\na,,c.mp4\n", "clips.csv:2: prompt_id is missing"),
        ('generator,prompt_id,file\na,"b\nb",c.mp4\na,x,\n', "clips.csv:4: file is missing"),
        ('generator,prompt_id,file\na,b,"c', "clips.csv:2: not valid CSV"),
        ("generator,prompt_id,file,seed\na,b,c.mp4,x\n", "clips.csv:2: seed: 'x' is not a whole number"),
        ("generator,prompt_id,file,seed\na,b,c.mp4,-1\n", "clips.csv:2: seed: '-1' is not a whole number from 0 to 9223372036854775807"),
        ("generator,prompt_id,file,seed\na,b,c.mp4,1.5\n", "clips.csv:2: seed: '1.5' is not a whole number"),
        ("generator,prompt_id,file,cost_usd\na,b,c.mp4,nan\n", "clips.csv:2: cost_usd: 'nan' is not a number"),
        ("generator,prompt_id,file,metadata\na,b,c.mp4,{\n", "clips.csv:2: metadata: not valid JSON"),
        ("generator,prompt_id,file,metadata\na,b,c.mp4,[]\n", "clips.csv:2: metadata: must be a JSON object"),
        (
            "generator,prompt_id,file\na,b,1.mp4\na,b,2.mp4\n",
            "clips.csv:3: a second clip of 'a' for prompt 'b' without a seed; the first is at",
        ),
        ("generator,prompt_id,file\na,b,1.mp4\na,b,1.mp4\n", "clips.csv:2: it is the same file: take one out"),
        ("generator,prompt_id,file,seed\na,b,c.mp4,100000000000000000000\n", "is not a whole number from 0 to 9223372036854775807"),
        (
            "generator,prompt_id,file,seed\na,b,1.mp4,0\na,b,2.mp4,\na,b,3.mp4,1\n",
            "clips.csv:3: a second clip of 'a' for prompt 'b' with seed 0 (those without a seed count as 0, since others have one)",
        ),
        ("generator,prompt_id,file,seed\na,b,1.mp4,2\na,b,2.mp4,2\n", "clips.csv:3: a second clip of 'a' for prompt 'b' with seed 2"),
    ],
)
def test_an_error_in_a_manifest_names_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ManifestError, match=re.escape(message)):
        entries(manifest(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}\n", "clips.jsonl:1: generator is missing"),
        ("\n[1]\n", "clips.jsonl:2: is a number where an object is needed"),
        ('{"generator": "a", "prompt_id": "b", "file": "c", "file": "d"}\n', "clips.jsonl:1: the key file appears twice in one object"),
        ('{"generator": 1,\n', "clips.jsonl:1: not valid JSON"),
    ],
)
def test_an_error_in_json_lines_names_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ManifestError, match=re.escape(message)):
        entries(manifest(tmp_path, text, "clips.jsonl"))


def test_a_manifest_of_a_spreadsheet_on_windows_is_read(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "a.mp4").touch()
    text = "\ufeffgenerator;prompt_id;file;seed;cost_usd;;\r\nveo;Talk 01;clips\\a.mp4;3;0,40;;\r\n;;;;;;\r\n"
    (clip,) = entries(manifest(tmp_path, text))
    assert (clip.file, clip.seed, clip.cost_usd, clip.metadata) == (tmp_path / "clips" / "a.mp4", 3, 0.4, {})
    with pytest.raises(ManifestError, match=r"clips\.csv:2: file: 'C:\\\\a\.mp4' is a path of a Windows computer"):
        entries(manifest(tmp_path, "generator;prompt_id;file\nveo;a;C:\\a.mp4\n"))


def test_paths_without_clips_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no clips here or in its sub-folders"):
        entries(tmp_path)
    with pytest.raises(ManifestError, match="no such folder or manifest"):
        entries(tmp_path / "none")
    with pytest.raises(ManifestError, match="neither a folder nor a"):
        entries(clip(tmp_path / "a.mp4"))
    bad = tmp_path / "bad.csv"
    bad.write_bytes(b"generator,prompt_id,file\n\xff\n")
    with pytest.raises(ManifestError, match=r"bad\.csv:2: not UTF-8"):
        entries(bad)


def test_a_path_with_several_generators_needs_the_option_generator(tmp_path: Path) -> None:
    path = str(manifest(tmp_path, "generator,prompt_id,file\nveo,a,1.mp4\nkling,a,2.mp4\n"))
    with pytest.raises(ManifestError, match="holds clips of 2 generators: choose one with generator=, of veo, kling"):
        Imported(path=path)
    with pytest.raises(ManifestError, match=re.escape("holds no clips of 'klin' (did you mean 'kling'?); it has clips of veo, kling")):
        Imported(path=path, generator="klin")
    assert Imported(path=path, generator="kling").clips[0].file.name == "2.mp4"


def test_an_import_uses_the_users_file_and_does_not_change_it(tmp_path: Path) -> None:
    file = clip(tmp_path / "gen" / "one__seed5.mp4")
    os.utime(file, (1, 1))
    cell = tmp_path / "cell"
    cell.mkdir()
    generation = Imported(path=str(tmp_path / "gen")).generate(Request(prompt=prompt("one"), seed=5), cell)
    assert (generation.status, generation.file, generation.own_file, generation.seed_used, generation.latency_s) == (
        "succeeded",
        file,
        False,
        5,
        None,
    )
    assert generation.facts["provenance"] == "claimed"
    assert file.stat().st_mtime == 1
    assert file.read_bytes() == b"clip"
    assert list(cell.iterdir()) == []


def test_a_listed_file_that_is_missing_fails_only_its_clip(tmp_path: Path) -> None:
    generator = Imported(path=str(manifest(tmp_path, "generator,prompt_id,file\nveo,a,gone.mp4\n")))
    assert generator.offers(prompt("a"), 0)
    assert generator.identity(prompt("a"), 0) == {"file_sha256": None}
    generation = generator.generate(Request(prompt=prompt("a"), seed=0), tmp_path)
    assert generation.status == "failed"
    assert generation.reason == f"{tmp_path}/clips.csv:2 names {tmp_path}/gone.mp4, which is not a file"


def test_where_some_clips_have_seeds_the_others_count_as_seed_0(tmp_path: Path) -> None:
    for name in ("a__seed1.mp4", "a__seed2.mp4", "b.mp4"):
        clip(tmp_path / name, name.encode())
    generator = Imported(path=str(tmp_path))
    assert generator.capabilities().seeds
    assert [generator.offers(prompt("a"), seed) for seed in (0, 1, 2)] == [False, True, True]
    assert [generator.offers(prompt("b"), seed) for seed in (0, 1, 1000)] == [True, False, False]
    assert not generator.offers(prompt("c"), 0)
    assert generator.identity(prompt("a"), 1) == {"file_sha256": hashlib.sha256(b"a__seed1.mp4").hexdigest()}
    assert generator.generate(Request(prompt=prompt("c"), seed=0), tmp_path).status == "failed"


def test_clips_without_seeds_are_taken_for_any_seed(tmp_path: Path) -> None:
    clip(tmp_path / "a.mp4")
    generator = Imported(path=str(tmp_path))
    can = generator.capabilities()
    assert (can.seeds, can.deterministic) == (False, True)
    assert generator.offers(prompt("a"), 0)
    assert generator.offers(prompt("a"), 1000)


def test_a_run_of_imported_clips_needs_no_suite(tmp_path: Path) -> None:
    clips = entries(manifest(tmp_path, "generator,prompt_id,file\nveo,Talk 01,1.mp4\nkling,talk-01,2.mp4\nveo,other,3.mp4\n"))
    suite = suite_of(clips, tmp_path / "clips.csv", texts={"talk-01": "Hello."})
    assert generators_of(clips) == ["veo", "kling"]
    assert [(prompt.id, prompt.text, prompt.task) for prompt in suite.prompts] == [
        ("talk-01", "Hello.", "unknown"),
        ("other", "", "unknown"),
    ]
    assert suite.warnings == ("there is no text for 1 of 2 prompts, e.g. 'other'",)
    elsewhere = suite_of(clips, Path("/elsewhere/clips.csv"), texts={"talk-01": "Hello."})
    assert elsewhere.sha256 == suite.sha256
    assert suite_of(clips, tmp_path / "clips.csv").sha256 != suite.sha256


def test_texts_may_come_from_a_file(tmp_path: Path) -> None:
    clip(tmp_path / "clips" / "a.mp4")
    texts = manifest(tmp_path, 'prompt_id,text\nA,"One, two"\nb,\n', "prompts.csv")
    assert texts_of(texts) == {"A": "One, two", "b": ""}
    suite = Imported(path=str(tmp_path / "clips"), prompts=str(texts)).suite()
    assert (suite.name, suite.ids, suite.prompts[0].text, suite.root) == ("clips", ("a",), "One, two", tmp_path / "clips")
    with pytest.raises(ManifestError, match=r"prompts\.csv:3: a second text for prompt 'a'"):
        texts_of(manifest(tmp_path, "prompt_id,text\na,x\na,y\n", "prompts.csv"))


@given(st.text())
def test_every_name_becomes_a_valid_id_which_does_not_change_again(name: str) -> None:
    prompt_id = slug(name)
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]*", prompt_id)
    assert slug(prompt_id) == prompt_id
    assert slug(name) == prompt_id


@given(st.text(alphabet="äöü é☃🎈", min_size=1, max_size=4), st.text(alphabet="äöü é☃🎈", min_size=1, max_size=4))
def test_different_names_keep_different_ids_when_letters_are_lost(first: str, second: str) -> None:
    if first != second:
        assert slug(first) != slug(second)


def read(path: Path, **options: str) -> list[tuple[str, int | None]]:
    return [(imported.prompt_name, imported.seed) for imported in entries(path, **options)]  # type: ignore[arg-type]


def test_numbers_after_a_prompts_text_are_its_seeds(tmp_path: Path) -> None:
    for number in range(5):
        clip(tmp_path / "model" / f"A cat sits on a mat-{number}.mp4", str(number).encode())
    clip(tmp_path / "model" / "airplane-0.mp4")
    assert read(tmp_path / "model") == [*(("A cat sits on a mat", number) for number in range(5)), ("airplane", 0)]
    assert Imported(path=str(tmp_path / "model")).own_seeds() == (0, 1, 2, 3, 4)
    [remark] = list_clips(tmp_path / "model").left_out
    assert "names that end in -0 to -4 are read as seeds, of 2 prompts (A cat sits on a mat, airplane)" in remark
    assert ("airplane-0", None) in read(tmp_path / "model", numbers="prompts")


def test_numbers_are_seeds_where_several_prompts_are_numbered_from_0(tmp_path: Path) -> None:
    for name in ("cat-0", "cat-1", "dog-0", "dog-1"):
        clip(tmp_path / "several" / f"{name}.mp4", name.encode())
    assert read(tmp_path / "several") == [("cat", 0), ("cat", 1), ("dog", 0), ("dog", 1)]


@pytest.mark.parametrize("names", [["shot-1", "shot-2"], ["talk-01", "talk-02"], ["scene-0", "scene-1"], ["gpt-4"]])
def test_other_numbers_are_part_of_the_prompts_names(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        clip(tmp_path / "model" / f"{name}.mp4", name.encode())
    assert read(tmp_path / "model") == [(name, None) for name in names]


def test_the_user_decides_what_numbers_are(tmp_path: Path) -> None:
    for number in (1, 2):
        clip(tmp_path / "model" / f"shot-{number}.mp4", str(number).encode())
    assert Imported(path=str(tmp_path / "model"), numbers="seeds").own_seeds() == (1, 2)
    with pytest.raises(ManifestError, match=r"numbers='seed' is none of auto, seeds, prompts \(did you mean 'seeds'\?\)"):
        Imported(path=str(tmp_path / "model"), numbers="seed")


def test_prompts_that_differ_only_in_case_or_blanks_are_prompts_of_their_own(tmp_path: Path) -> None:
    rows = ["a,A cat,1.mp4,0", "a,a cat,2.mp4,0", "a,a  cat,3.mp4,1", "b,a cat,4.mp4,0"]
    path = manifest(tmp_path, "\n".join(["generator,prompt_id,file,seed", *rows]) + "\n")
    listed = list_clips(path)
    ids = [imported.prompt_id for imported in listed.clips]
    assert len(set(ids)) == 3
    assert ids[1] == ids[3]
    assert "names that differ only in capital letters or blanks are prompts of their own: A cat / a  cat / a cat" in listed.left_out[0]
    texts = {"A cat": "One.", "a cat": "Two.", "a  cat": "Three."}
    assert [prompt.text for prompt in suite_of(listed.clips, path, texts=texts).prompts] == ["One.", "Two.", "Three."]


def test_one_prompt_that_two_generators_write_in_other_ways_is_one_and_is_reported(tmp_path: Path) -> None:
    path = manifest(tmp_path, "generator,prompt_id,file\na,Talk 01,1.mp4\nb,talk-01,2.mp4\n")
    listed = list_clips(path)
    assert {imported.prompt_id for imported in listed.clips} == {"talk-01"}
    assert listed.left_out == ("clips.csv: 1 prompt (Talk 01 = talk-01) written in several ways and taken for one each.",)


def test_a_clip_that_is_called_like_the_text_of_a_prompt_belongs_to_it(tmp_path: Path) -> None:
    for name in ("A cat", "a cat"):
        clip(tmp_path / "model" / f"{name}-0.mp4", name.encode())
    generator = Imported(path=str(tmp_path / "model"))
    upper, lower, other = (Prompt(id=f"p{index}", text=text, task="unknown") for index, text in enumerate(("A cat", "a cat", "A dog")))
    assert [generator.clip_file(asked, 0) for asked in (upper, lower, other)] == [
        tmp_path / "model" / "A cat-0.mp4",
        tmp_path / "model" / "a cat-0.mp4",
        None,
    ]
    assert "model: no clip for 1 prompt (p2) of the 3 in this run; they are not counted." in generator.remarks([upper, lower, other], (0,))


def test_a_row_that_names_no_file_is_an_error_with_its_line(tmp_path: Path) -> None:
    clip(tmp_path / "Clip 1.mp4")
    rows = ["a,p1,Clip 1.mp4", "a,p2,clip  1.mp4", "b,p3,gone.mp4", "b,p4,gone-too.mp4"]
    path = manifest(tmp_path, "\n".join(["generator,prompt_id,file", *rows]) + "\n")
    for read_files in (Imported.files_in_manifest, lambda path: Imported.variants(path=str(path))):
        with pytest.raises(ManifestError) as caught:
            read_files(path)
        assert str(caught.value).startswith(f"{path}:3: file: {tmp_path}/clip  1.mp4: there is no such file ('Clip 1.mp4' is there")
        assert "and so in 2 more rows (line 4, 5)" in str(caught.value)
    with pytest.raises(ManifestError, match=r"clips\.csv:4: file: .*gone\.mp4: there is no such file, and so in 1 more row \(line 5\)"):
        Imported.variants(path=str(path), generator="b")


def test_a_manifest_in_a_folder_of_clips_is_named(tmp_path: Path) -> None:
    clip(tmp_path / "model" / "1.mp4")
    manifest(tmp_path / "model", "generator,prompt_id,file\na,p1,1.mp4\n")
    manifest(tmp_path / "model", "prompt,score\nx,1\n", "scores.csv")
    assert list_clips(tmp_path / "model").left_out == (
        f"model: clips.csv lists clips and is not read: file names count; to use it, give import:path={tmp_path}/model/clips.csv.",
        "model: 1 file (scores.csv) left out, whose names do not end like those of clips.",
    )


def test_a_folder_is_called_as_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip(tmp_path / "run" / "out" / "a.mp4")
    (tmp_path / "modelA").symlink_to(tmp_path / "run" / "out")
    monkeypatch.chdir(tmp_path / "modelA")
    monkeypatch.setenv("PWD", str(tmp_path / "modelA"))
    for given_path in (".", "", f"{tmp_path}/modelA/", f"{tmp_path}/modelA/.", f"{tmp_path}/run/../modelA"):
        assert generators_of(entries(Path(given_path))) == ["modelA"], given_path
    assert Imported(path=".").suite().name == "modela"
    monkeypatch.setenv("PWD", str(tmp_path / "run"))
    assert generators_of(entries(Path())) == ["out"]
    assert generators_of(entries(tmp_path / "run" / "out" / ".." / "out" / "..")) == ["out"]


def test_a_path_is_listed_anew_when_something_in_it_changes(tmp_path: Path) -> None:
    clip(tmp_path / "model" / "a.mp4")
    assert read(tmp_path / "model") == [("a", None)]
    clip(tmp_path / "model" / "b.mp4")
    assert read(tmp_path / "model") == [("a", None), ("b", None)]
    clip(tmp_path / "model" / "sub" / "c.mp4")
    assert len(read(tmp_path / "model")) == 3
    clip(tmp_path / "model" / "sub" / "d.mp4")
    assert len(read(tmp_path / "model")) == 4
    assert read(manifest(tmp_path, "generator,prompt_id,file\na,p1,1.mp4\n")) == [("p1", None)]
    assert read(manifest(tmp_path, "generator,prompt_id,file\na,p2,1.mp4\n")) == [("p2", None)]
