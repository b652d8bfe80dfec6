"""Who owns a study on the web: whoever a login service of the owner's choice (OpenID Connect) knows under an address that was named.

Streamlit speaks with the service; here its file of secrets is checked before anything is served, so that a slip is a sentence at the start
and not a page that fails later.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from seedbench.errors import SeedBenchError

_ASKED = ("redirect_uri", "cookie_secret")
_OF_THE_SERVICE = ("client_id", "client_secret", "server_metadata_url")
_SHORTEST_SECRET = 32
_PATH = "/oauth2callback"


class LoginError(SeedBenchError):
    """A login that cannot be set up; the message says what is missing where."""


@dataclass(frozen=True)
class Login:
    """The file with the service's secrets, the owners' addresses of mail in small letters, and whether an address is believed of which the
    service does not say that it was confirmed."""

    file: Path
    owners: frozenset[str]
    believes: bool = False


def load(file: Path, owners: Iterable[str]) -> Login:
    """Check a TOML file of secrets as Streamlit takes it (``[auth]``), with a section of ours (``[seedbench]``). Raises LoginError."""
    named = frozenset(one.strip().lower() for one in owners if one.strip())
    if not named:
        raise LoginError("a login without an owner lets nobody in: name one with --owner")
    for one in sorted(named):
        if "@" not in one:
            raise LoginError(f"{one!r} is no address of mail: owners are known by theirs")
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise LoginError(f"{file} cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LoginError(f"{file} is not TOML ({error})") from error
    auth, ours = (found.get(name, {}) for name in ("auth", "seedbench"))
    if not isinstance(auth, dict) or not isinstance(ours, dict):
        raise LoginError(f"{file}: [auth] and [seedbench] are sections")
    missing = [name for name in (*_ASKED, *_OF_THE_SERVICE) if not auth.get(name)]
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
    """Whether somebody who may have logged in (``st.user``) owns the study: logged in, under a named address that the service confirmed."""
    if login is None or not getattr(user, "is_logged_in", False):
        return False
    mail, confirmed = getattr(user, "email", None), getattr(user, "email_verified", None)
    return (
        isinstance(mail, str) and mail.lower() in login.owners and (confirmed in (True, "true") or (confirmed is None and login.believes))
    )
