"""The owners of a study on the web: people who log in at a login service (OpenID Connect) with one of the owners' mail addresses.

Streamlit talks to the login service. Its file of secrets is checked here before anything is served, so that a mistake is an error message
at the start and not a page that fails later.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from seedbench.errors import SeedBenchError

_OURS = ("redirect_uri", "cookie_secret")
_OF_THE_SERVICE = ("client_id", "client_secret", "server_metadata_url")
_SHORTEST_SECRET = 32
_PATH = "/oauth2callback"


class LoginError(SeedBenchError):
    """A login that cannot be set up; the message says what is wrong in which file."""


@dataclass(frozen=True)
class Login:
    """The file with the login service's secrets, the owners' mail addresses in small letters, and whether a mail address is accepted where
    the login service does not say whether it was confirmed."""

    file: Path
    owners: frozenset[str]
    accepts_unconfirmed: bool = False


def load(file: Path, owners: Iterable[str]) -> Login:
    """Read and check a file of secrets.

    Args:
        file: A TOML file as Streamlit reads it (``[auth]``), with a section of ours (``[seedbench]``).
        owners: The owners' mail addresses.

    Raises:
        LoginError: No owner is named, an address is malformed, or the file is incomplete.
    """
    named = frozenset(address.strip().lower() for address in owners if address.strip())
    if not named:
        raise LoginError("a login needs an owner: give a mail address with --owner")
    for address in sorted(named):
        if "@" not in address:
            raise LoginError(f"{address!r} is not a mail address: --owner needs the address that the owner logs in with")
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise LoginError(f"{file} cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LoginError(f"{file} is not TOML ({error})") from error
    auth, ours = (content.get(name, {}) for name in ("auth", "seedbench"))
    if not isinstance(auth, dict) or not isinstance(ours, dict):
        raise LoginError(f"{file}: [auth] and [seedbench] must be sections")
    missing = [name for name in (*_OURS, *_OF_THE_SERVICE) if not auth.get(name)]
    if missing:
        raise LoginError(f"{file}: [auth] lacks {', '.join(missing)}")
    if not str(auth["redirect_uri"]).endswith(_PATH):
        raise LoginError(f"{file}: redirect_uri must end in {_PATH}")
    if len(str(auth["cookie_secret"])) < _SHORTEST_SECRET:
        raise LoginError(f"{file}: cookie_secret must have {_SHORTEST_SECRET} characters or more")
    try:
        import authlib  # noqa: F401
    except ImportError as error:
        raise LoginError("a login needs Authlib: pip install 'seedbench[login]'") from error
    return Login(file.resolve(), named, ours.get("unconfirmed_mail") is True)


def is_owner(user: object, login: Login | None) -> bool:
    """Whether a visitor (``st.user``) owns the study: logged in, with an owner's mail address that the login service confirmed."""
    if login is None or not getattr(user, "is_logged_in", False):
        return False
    mail, confirmed = getattr(user, "email", None), getattr(user, "email_verified", None)
    return (
        isinstance(mail, str)
        and mail.lower() in login.owners
        and (confirmed in (True, "true") or (confirmed is None and login.accepts_unconfirmed))
    )
