"""The owners' login: what is wrong with its file is said before anything is served, and who is let in."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from seedbench.arena.web.login import Login, LoginError, is_owner, load

GOOD = {
    "redirect_uri": "https://arena.example.org/oauth2callback",
    "cookie_secret": "c" * 32,
    "client_id": "seedbench",
    "client_secret": "s",
    "server_metadata_url": "https://login.example.org/.well-known/openid-configuration",
}


def written(file: Path, **changes: str) -> Path:
    lines = "".join(f'{name} = "{value}"\n' for name, value in {**GOOD, **changes}.items() if value)
    file.write_text(f"[auth]\n{lines}")
    return file


def test_a_complete_file_is_accepted_and_owners_are_compared_in_small_letters(tmp_path: Path) -> None:
    login = load(written(tmp_path / "login.toml"), [" Me@Example.org ", "you@example.org"])
    assert login.owners == {"me@example.org", "you@example.org"}
    assert login.file == tmp_path / "login.toml"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"client_secret": "", "client_id": ""}, "lacks client_id, client_secret"),
        ({"redirect_uri": "https://arena.example.org/"}, "must end in /oauth2callback"),
        ({"cookie_secret": "short"}, "32 characters"),
    ],
)
def test_the_error_names_what_a_file_lacks(tmp_path: Path, changes: dict[str, str], words: str) -> None:
    with pytest.raises(LoginError, match=words):
        load(written(tmp_path / "login.toml", **changes), ["me@example.org"])


def test_no_file_no_toml_no_owner_and_no_address(tmp_path: Path) -> None:
    with pytest.raises(LoginError, match="cannot be read"):
        load(tmp_path / "none.toml", ["me@example.org"])
    (tmp_path / "bad.toml").write_text("[auth")
    with pytest.raises(LoginError, match="is not TOML"):
        load(tmp_path / "bad.toml", ["me@example.org"])
    with pytest.raises(LoginError, match="give a mail address with --owner"):
        load(written(tmp_path / "login.toml"), [])
    with pytest.raises(LoginError, match="not a mail address"):
        load(written(tmp_path / "login.toml"), ["me"])


@pytest.mark.parametrize(
    ("user", "owner"),
    [
        ({"is_logged_in": True, "email": "Me@example.org", "email_verified": True}, True),
        ({"is_logged_in": True, "email": "me@example.org"}, False),  # nobody says that it is theirs
        ({"is_logged_in": True, "email": "me@example.org", "email_verified": False}, False),
        ({"is_logged_in": True, "email": "you@example.org", "email_verified": True}, False),
        ({"is_logged_in": True, "name": "me@example.org"}, False),
        ({"is_logged_in": True, "email": ["me@example.org"]}, False),
        ({"is_logged_in": False, "email": "me@example.org"}, False),
        ({}, False),
    ],
)
def test_an_owner_is_who_logged_in_under_a_confirmed_address_that_was_named(user: dict[str, object], owner: bool) -> None:
    assert is_owner(SimpleNamespace(**user), Login(Path("login.toml"), frozenset({"me@example.org"}))) is owner
    assert is_owner(SimpleNamespace(**user), None) is False


def test_a_service_that_says_nothing_of_addresses_is_believed_where_the_file_says_so(tmp_path: Path) -> None:
    file = written(tmp_path / "login.toml")
    assert not load(file, ["me@example.org"]).accepts_unconfirmed
    file.write_text(file.read_text() + "[seedbench]\nunconfirmed_mail = true\n")
    login = load(file, ["me@example.org"])
    silent, denied = ({"is_logged_in": True, "email": "me@example.org", **more} for more in ({}, {"email_verified": False}))
    assert is_owner(SimpleNamespace(**silent), login)
    assert not is_owner(SimpleNamespace(**denied), login)
