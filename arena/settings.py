"""The settings of a study, fixed when it is prepared."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from seedbench.arena.votes.log import Profile
from seedbench.errors import SeedBenchError
from seedbench.files import yaml_model
from seedbench.store.workspace import Workspace

Question = Literal["sound", "prompt", "physics"]
QUESTIONS: dict[str, str] = {
    "sound": "Whose sound and lips fit the picture better?",
    "prompt": "Who follows the text better?",
    "physics": "Where do things move more as they would?",
}
OVERALL_QUESTION = "Which clip is better?"


class StudyError(SeedBenchError):
    """A study that cannot be prepared, does not exist, or exists already."""


def study_lock(name: str) -> str:
    """The name of a study's lock, which is held while the study is prepared, and while one process serves it."""
    return f"study {name!r}"


def clips_folder(workspace: Workspace, study: str) -> Path:
    """The folder of a study's clips. Its name is a hash of the study's name, which may hold any characters."""
    return workspace.folder / "arena" / hashlib.sha256(study.encode()).hexdigest()[:16]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Checks(_Strict):
    """Shares of the shown pairs that are checks: gold (one side degraded), same (one clip twice), repeat (seen before, sides swapped)."""

    gold: float = Field(default=0.07, ge=0, le=0.5)
    same: float = Field(default=0.03, ge=0, le=0.5)
    repeat: float = Field(default=0.05, ge=0, le=0.5)


class Limits(_Strict):
    """What a vote requires, and how many votes a voter may give: the share of each clip that was played, seconds from showing to voting in
    lengths of the shorter clip, votes in a sitting before a break is offered, votes a day, refused requests an hour before a voter is
    stopped, and new voters an hour from one network address (people behind one proxy share it)."""

    heard: float = Field(default=0.8, ge=0, le=1)
    dwell: float = Field(default=1.0, ge=0)
    sitting: int = Field(default=25, ge=1)
    a_day: int = Field(default=200, ge=1)
    refusals_an_hour: int = Field(default=60, ge=1)
    newcomers_an_hour: int = Field(default=60, ge=1)


class Settings(_Strict):
    """The settings of a study."""

    title: str = "Which clip is better?"
    profiles: tuple[Profile, ...] = Field(default=("matched",), min_length=1)
    questions: tuple[Question, ...] = ("sound", "prompt", "physics")
    reveal: bool = False
    captions: bool = False
    boards_every: int = Field(
        default=50,
        ge=0,
        description="Votes after which the boards of visitors are updated, so that none shows what a single vote was; 0: only for owners.",
    )
    checks: Checks = Checks()
    limits: Limits = Limits()
    token_s: float = Field(default=900, gt=0, description="Seconds after which a clip URL expires.")
    width: int = Field(default=854, ge=64, multiple_of=2)
    height: int = Field(default=480, ge=64, multiple_of=2)
    floor: float = Field(default=0.2, ge=0, le=1, description="Share of draws spread evenly over all pairs of models.")
    seed: int = Field(default=0, ge=0)

    @property
    def policy(self) -> Policy:
        """How pairs are drawn."""
        return Policy(floor=self.floor)


def load_settings(file: Path | None) -> Settings:
    """Read the settings of a study.

    Args:
        file: A YAML file; None for the default settings.

    Raises:
        StudyError: The file cannot be read or is malformed; the message names file and line.
    """
    return Settings() if file is None else yaml_model.load(file, Settings, StudyError)


@dataclass(frozen=True)
class Policy:
    """``floor`` is the share of draws spread evenly over all pairs; models further apart than ``near_elo`` are drawn less; a model is
    new below ``new_votes`` votes and drawn ``new_weight`` times as often."""

    floor: float = 0.2
    near_elo: float = 75.0
    new_votes: int = 50
    new_weight: float = 3.0
