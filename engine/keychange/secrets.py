"""What looks like a secret: by the words of its name, or by the shape of its value."""

from __future__ import annotations

import re

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SECRET_WORDS = frozenset(
    "apikey auth bearer cookie credential credentials creds cert dsn jwt key keys kms pass passphrase "
    "passwd password passwords pat pin private pw pwd salt secret secrets seed session sig signature "
    "token tokens webhook".split()
)
_PUBLIC_ENDINGS = frozenset({"id", "path", "file", "dir", "name", "url", "type", "ttl", "expiry"})
"""What a name ends with when it only speaks about a secret: ``KEY_PATH``, ``TOKEN_TTL``."""

_SECRET_VALUE = re.compile(
    r"""
      \b(?: sk | pk | rk ) [-_] [A-Za-z0-9_-]{8,}        # OpenAI, Anthropic, Stripe
    | \b hf_ [A-Za-z0-9]{8,}                             # Hugging Face
    | \b (?: gh[opusr]_ | github_pat_ | glpat- | npm_ | pypi- ) [A-Za-z0-9_-]{8,}
    | \b (?: AKIA | ASIA ) [A-Z0-9]{12,}                 # AWS
    | \b AIza [A-Za-z0-9_-]{20,}                         # Google
    | \b xox [a-z] - [A-Za-z0-9-]{8,}                    # Slack
    | \b xai- [A-Za-z0-9]{8,}
    | -----BEGIN\s                                       # PEM
    | \b eyJ [A-Za-z0-9_-]+ \. eyJ [A-Za-z0-9_-]+        # JWT
    | :// [^/\s:@]* : [^/\s@]+ @                         # user:password@host
    """,
    re.VERBOSE,
)
_RANDOM = re.compile(
    r"(?<![A-Za-z0-9_+/.-])(?=[A-Za-z_+-]*[0-9])(?=[0-9_+-]*[A-Za-z])[A-Za-z0-9_+-]{24,}={0,2}"
)


def looks_secret(name: str, value: object = None) -> bool:
    """Whether a key or its value should be masked wherever it is shown.

    A name counts by whole words (``HF_TOKEN``, ``openaiApiKey``; not ``MONKEY``, ``KEYBOARD``),
    a value by the prefixes that issuers give their secrets, by PEM and JWT shapes, by a password
    inside a URL, and by being one long run of mixed letters and digits.
    """
    words = [word.lower() for word in _WORDS.findall(name)]
    if not _SECRET_WORDS.isdisjoint(words) and words[-1] not in _PUBLIC_ENDINGS:
        return True
    return isinstance(value, str) and secret_in(value) is not None


def secret_in(text: str) -> tuple[int, int] | None:
    """The place of the first thing in a text that has the shape of a secret."""
    found = _SECRET_VALUE.search(text) or _RANDOM.search(text)
    return None if found is None else found.span()
