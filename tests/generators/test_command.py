"""An external program as a generator: arguments arrive whole, exit codes mean what they say, nothing is left running."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import sys
from pathlib import Path
from typing import IO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbench.errors import SeedBenchError
from seedbench.files.hashing import file_sha256
from seedbench.generators.command import Command
from seedbench.generators.command.template import PLACEHOLDERS, fill
from seedbench.plugins.generator import Request
from seedbench.suites.prompt import Prompt, ReferenceAsset

PROMPT = Prompt(id="p", text="A", task="motion")
NASTY = 'She said "it\'s $(touch /tmp/never) `id` {seed} {{x"; then\nleft; rm -rf ~ | & > *'


def program(folder: Path, body: str) -> str:
    """A Python script that knows its arguments as ``args``."""
    file = folder / "program.py"
    file.write_text(f"import json, os, sys, time\nargs = sys.argv[1:]\n{body}\n")
    return str(file)


def ask(folder: Path, body: str, *, words: list[str] | None = None, text: str = "A ball.", **options: object) -> tuple[object, Path]:
    argv = [sys.executable, program(folder, body), *(words if words is not None else ["{out}", "{prompt}"])]
    directory = folder / "cell"
    directory.mkdir()
    request = Request(prompt=Prompt(id="p", text=text, task="motion", duration_s=2.5), seed=7, width=64, height=48, fps=24)
    return Command(argv=argv, **options).generate(request, directory), directory  # type: ignore[arg-type]


WRITE = "open(args[0], 'wb').write(b'clip')"


def test_a_file_at_out_and_exit_code_0_is_a_clip(tmp_path: Path) -> None:
    generation, directory = ask(tmp_path, WRITE)
    assert generation.status == "succeeded"
    assert generation.file == directory / "clip.mp4"
    assert generation.file.read_bytes() == b"clip"
    assert generation.own_file
    assert 0 < generation.latency_s < 30
    assert generation.seed_used is None


def test_every_placeholder_arrives_as_one_argument(tmp_path: Path) -> None:
    words = ["{out}", "{prompt}", "{seed}", "--size={width}x{height}", "{fps}", "{duration}", "{{literal}}"]
    generation, directory = ask(
        tmp_path, WRITE + "\njson.dump(args, open(args[0] + '.json', 'w'))", words=words, text=NASTY.replace("{{x", "")
    )
    received = json.loads((directory / "clip.mp4.json").read_text())
    assert received[1:] == [NASTY.replace("{{x", ""), "7", "--size=64x48", "24", "2.5", "{literal}"]
    assert generation.seed_used == 7


@given(st.text(alphabet=st.characters(blacklist_categories=["Cs"], blacklist_characters="\0")))
def test_any_text_is_filled_in_unchanged(text: str) -> None:
    assert fill(["gen", "{prompt}", "--p={prompt}"], {"prompt": text}) == ["gen", text, f"--p={text}"]


def test_the_prompt_file_holds_the_whole_prompt_and_references_are_separate_arguments(tmp_path: Path) -> None:
    script = program(tmp_path, WRITE + "\njson.dump(args, open(args[0] + '.json', 'w'))")
    prompt = Prompt(
        id="p",
        text="{{image:1}} walks to the rhythm of @audio1.",
        task="reference",
        references=(
            ReferenceAsset(id="image:1", path="a b.png", role="appearance"),
            ReferenceAsset(id="audio:1", path="c.wav", role="rhythm"),
        ),
    )
    argv = [sys.executable, script, "{out}", "{prompt}", "{prompt_file}", "{references}"]
    command = Command(argv=argv, reference_syntax={"image": "[Image{number}]"})
    command.generate(Request(prompt=prompt, seed=0, root=tmp_path / "suite"), tmp_path)
    heard = json.loads((tmp_path / "clip.mp4.json").read_text())
    assert heard[1] == "[Image1] walks to the rhythm of {{audio:1}}."
    assert heard[3:] == [str(tmp_path / "suite" / "a b.png"), str(tmp_path / "suite" / "c.wav")]
    whole = json.loads(Path(heard[2]).read_text())
    assert whole["task"] == "reference"
    assert whole["references"][0]["path"] == heard[3]


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ("sys.exit(10)", "refused", "declined"),
        ("print('no weapons, please', file=sys.stderr); sys.exit(10)", "refused", "declined: no weapons, please"),
        ("print('out of\\nmemory', file=sys.stderr); sys.exit(3)", "failed", "exit code 3: out of memory"),
        ("print('x' * 9000 + 'end', file=sys.stderr); sys.exit(1)", "failed", "xxxend"),
        ("os.kill(os.getpid(), 9)", "failed", "killed by SIGKILL"),
        ("pass", "failed", "exit code 0, but nothing at {out} (clip.mp4)"),
        ("open(args[0], 'wb')", "failed", "exit code 0, but nothing at {out}"),
    ],
)
def test_the_exit_code_decides(tmp_path: Path, body: str, status: str, reason: str) -> None:
    generation, _ = ask(tmp_path, body)
    assert generation.status == status
    assert reason in generation.reason
    assert len(generation.reason) < 2200
    assert generation.file is None
    assert generation.latency_s is not None


CHILDREN = """
import subprocess
def start(code, **options):
    child = subprocess.Popen([sys.executable, '-c', code], stderr=sys.stderr, **options)
    open(os.path.join(os.path.dirname(args[0]), 'pids'), 'a').write(str(child.pid) + '\\n')
loop = 'import time\\nwhile True: time.sleep(60)'
start(loop)
start(loop, start_new_session=True)
start('import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\\n' + loop)
"""


@pytest.mark.parametrize(
    ("end", "status"), [(WRITE, "succeeded"), ("sys.exit(10)", "refused"), ("sys.exit(1)", "failed"), ("time.sleep(600)", "failed")]
)
def test_processes_that_a_program_started_end_with_it(tmp_path: Path, end: str, status: str) -> None:
    generation, directory = ask(tmp_path, CHILDREN + end, timeout_s=20 if "sleep" not in end else 2)
    assert generation.status == status
    children = [int(line) for line in (directory / "pids").read_text().split()]
    assert len(children) == 3
    assert [pid for pid in children if _running(pid)] == []


def test_a_grandchild_in_a_session_of_its_own_is_ended_too(tmp_path: Path) -> None:
    daemon = "import os, time; os.setsid(); os.fork() and os._exit(0); open(P, 'w').write(str(os.getpid())); time.sleep(600)"
    body = (
        "import subprocess\npath = os.path.join(os.path.dirname(args[0]), 'pid')\n"
        f"subprocess.run([sys.executable, '-c', 'P = ' + repr(path) + {daemon!r}.join(['; ', ''])])\n"
        "while not (os.path.exists(path) and open(path).read()): time.sleep(0.01)\n" + WRITE
    )
    generation, directory = ask(tmp_path, body)
    assert generation.status == "succeeded"
    assert not _running(int((directory / "pid").read_text()))


def _running(pid: int) -> bool:
    """Whether a process is alive; one that only waits to be collected is not."""
    try:
        os.kill(pid, 0)
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_facts_that_the_program_writes_are_kept(tmp_path: Path) -> None:
    body = WRITE + "\njson.dump({'cost_usd': 0.25, 'seed_used': 3, 'model': 'm1'}, open(args[2], 'w'))"
    generation, _ = ask(tmp_path, body, words=["{out}", "{prompt}", "{facts}"])
    assert (generation.cost_usd, generation.seed_used, generation.facts) == (0.25, 3, {"model": "m1"})


@pytest.mark.parametrize("written", ["[1]", "{", '{"cost_usd": NaN}', '{"seed_used": "x"}'])
def test_invalid_facts_fail_the_clip(tmp_path: Path, written: str) -> None:
    generation, _ = ask(tmp_path, WRITE + f"\nopen(args[2], 'w').write({written!r})", words=["{out}", "{prompt}", "{facts}"])
    assert generation.status == "failed"
    assert generation.reason.startswith("the program wrote a {facts} file that cannot be used")


def test_a_text_that_no_argument_can_hold_fails_only_its_clip(tmp_path: Path) -> None:
    generation, _ = ask(tmp_path, WRITE, text="a\0b")
    assert generation.status == "failed"
    assert "could not be started" in generation.reason


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("", "argv is empty"),
        ("true 'x", "cannot be split"),
        ("true {prompt}", "never says where to write the clip: add {out}"),
        ("true {out}", "never passes the prompt: add {prompt} or {prompt_file}"),
        ("true {promt} {out}", "unknown placeholder {promt}; did you mean {prompt}?"),
        ("true {prompt} {out} --refs={references}", "{references} must be an argument of its own"),
        ("{prompt} {out}", "must start with a program"),
        ("no-such-program-here {prompt} {out}", "there is no program 'no-such-program-here'"),
    ],
)
def test_a_template_that_cannot_work_is_refused_at_once(argv: str, message: str) -> None:
    with pytest.raises(SeedBenchError) as caught:
        Command(argv=argv)
    assert message in str(caught.value)


def test_a_string_is_split_once_and_options_become_capabilities() -> None:
    command = Command(
        argv="true '--text={prompt}' {out} {seed}",
        tasks=["talking"],
        max_duration_s=8,
        sizes=[[1280, 720]],
        references={"images": 4},
        audio=False,
    )
    assert command.argv == ("true", "--text={prompt}", "{out}", "{seed}")
    can = command.capabilities()
    assert (can.tasks, can.max_duration_s, can.sizes, can.audio, can.seeds) == ({"talking"}, 8.0, {(1280, 720)}, False, True)
    assert can.references is not None
    assert can.references.images == 4
    assert Command(argv="true {prompt} {out}", references=False).capabilities().references is None
    assert not Command(argv="true {prompt} {out}").capabilities().seeds
    with pytest.raises(SeedBenchError, match="there is no limit 'pictures'"):
        Command(argv="true {prompt} {out}", references={"pictures": 4})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timeout_s": -1}, "timeout_s=-1: give a number of seconds above 0"),
        ({"timeout_s": float("inf")}, "timeout_s=inf: give a number"),
        ({"min_duration_s": 5, "max_duration_s": 2}, "min_duration_s=5 is above max_duration_s=2"),
        ({"tasks": ["talkin"]}, "there is no task 'talkin' (did you mean 'talking'?)"),
        ({"sizes": [[0, 720]]}, "sizes: [0, 720] is no size"),
        ({"sizes": [[1, 2, 3]]}, "sizes: [1, 2, 3] is no size"),
        ({"sizes": [640]}, "sizes: 640 is no size"),
        ({"suffix": ""}, "suffix='' is no ending"),
        ({"suffix": "../x"}, "is no ending of a file name"),
        ({"reference_syntax": {"picture": "x"}}, "there is no kind 'picture'; the kinds are image, video, audio"),
        ({"reference_syntax": {"image": "[{n}]"}}, "has another placeholder than {number}"),
    ],
)
def test_an_option_with_a_value_that_cannot_work_is_refused_at_once(options: dict[str, object], message: str) -> None:
    with pytest.raises(SeedBenchError) as caught:
        Command(argv=[sys.executable, "{prompt}", "{out}"], **options)  # type: ignore[arg-type]
    assert message in str(caught.value)


def test_a_changed_script_is_another_cell(tmp_path: Path) -> None:
    argv = [sys.executable, program(tmp_path, WRITE), "{out}", "{prompt}"]
    prompt = Prompt(id="p", text="A", task="motion")
    before = Command(argv=argv).identity(prompt, 0)
    assert before == Command(argv=argv).identity(prompt, 0)
    program(tmp_path, WRITE + " # changed")
    assert before != Command(argv=argv).identity(prompt, 0)


@pytest.mark.parametrize(
    "words", [["--config=FILE"], ["-cFILE"], ["key=FILE"], ["data=@FILE"], ["a,b,FILE"], ["FILE"], ["-c", "cat FILE > {out}", "FILE"]]
)
def test_a_changed_file_that_an_argument_names_is_another_cell(tmp_path: Path, words: list[str]) -> None:
    file = tmp_path / "lr=0.1" / "a config.yaml"
    file.parent.mkdir()
    file.write_text("steps: 1")
    named = [word.replace("FILE", str(file)) for word in words]
    command = Command(argv=[sys.executable, *named, "{out}", "{prompt}"])
    before = command.identity(PROMPT, 0)
    assert before == command.identity(PROMPT, 0)
    file.write_text("steps: 20")
    assert before != command.identity(PROMPT, 0)


def test_a_changed_program_is_another_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "gen"
    file.write_text("#!/bin/sh\necho 1")
    file.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    command = Command(argv="gen {prompt} {out}")
    before = command.identity(PROMPT, 0)
    file.write_text("#!/bin/sh\necho 22")
    assert before != command.identity(PROMPT, 0)
    assert before != Command(argv="true {prompt} {out}").identity(PROMPT, 0)


def test_a_file_of_any_size_is_hashed_and_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "weights.bin"
    file.write_bytes(bytes(10_000_001))
    read: list[str] = []
    file_digest = hashlib.file_digest

    def counting(stream: IO[bytes], digest: str) -> object:
        read.append(stream.name)
        return file_digest(stream, digest)  # type: ignore[arg-type]

    monkeypatch.setattr("seedbench.files.hashing.hashlib.file_digest", counting)
    monkeypatch.setattr("seedbench.files.hashing._SETTLED_NS", 0)  # or a file as young as this one is read each time
    command = Command(argv=[sys.executable, f"--weights={file}", "{prompt}", "{out}"])
    before = command.identity(PROMPT, 0)
    assert command.identity(PROMPT, 1) == before
    assert read.count(str(file)) == 1
    with file.open("r+b") as stream:
        stream.seek(10_000_000)
        stream.write(b"x")
    os.utime(file, (1, 1))
    assert command.identity(PROMPT, 0) != before
    assert read.count(str(file)) == 2


def test_identity_files_replace_the_files_of_the_template(tmp_path: Path) -> None:
    log, model = tmp_path / "run.log", tmp_path / "model"
    log.write_text("1")
    model.mkdir()
    (model / "weights.bin").write_bytes(b"1")
    argv = [sys.executable, f"--log={log}", f"--model={model}", "{prompt}", "{out}"]
    remarks = Command(argv=argv).remarks([PROMPT], (0,))
    assert len(remarks) == 1
    assert f"argv names the folder {model}, whose content is not hashed" in remarks[0]
    command = Command(argv=argv, identity_files=[str(model)])
    assert command.remarks([PROMPT], (0,)) == []
    before = command.identity(PROMPT, 0)
    log.write_text("2, and more")
    assert command.identity(PROMPT, 0) == before
    (model / "weights.bin").rename(model / "other.bin")
    assert command.identity(PROMPT, 0) != before
    with pytest.raises(SeedBenchError, match="no such file or folder"):
        Command(argv=argv, identity_files=["nowhere"]).identity(PROMPT, 0)


def test_the_identity_of_earlier_versions_is_given_so_that_stored_runs_resume(tmp_path: Path) -> None:
    script = program(tmp_path, WRITE)
    command = Command(argv=[sys.executable, script, "{out}", "{prompt}"])
    assert command.earlier_identities(PROMPT, 0) == ({script: file_sha256(Path(script))},)


def test_every_placeholder_and_option_is_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "generators.md").read_text(encoding="utf-8")
    for name in PLACEHOLDERS:
        assert f"`{{{name}}}`" in page
    for option in inspect.signature(Command.__init__).parameters:
        assert option == "self" or f"`{option}`" in page or f"{option}: " in page, option
