"""Drops answers that hold a person's data or a secret: addresses, phone numbers, keys, names of home folders."""

import re
from typing import Literal

from pipeline.curation.features import Texts
from pipeline.section import Section

# `a@b.T` is a matrix product: only endings of addresses count, not names of attributes.
_ENDINGS = "com|org|net|edu|gov|io|ai|dev|info|uk|de|fr|cn|jp|ru|eu|ch|nl|ca|au|us|kr|br|es|it"
_PATTERNS = {
    "email": re.compile(
        rf"(?<![\w.+-])[\w.+-]{{1,64}}@(?:[A-Za-z0-9-]{{1,63}}\.){{1,4}}(?:{_ENDINGS})\b(?!\s*[(.\[]\w)"
    ),
    "phone": re.compile(
        r"(?<![\w)\].,+*/-])\+[1-9]\d{0,2}[ .-](?:\(\d{1,4}\)[ .-]?)?\d{2,4}(?:[ .-]\d{2,4}){1,4}(?![\w.])"
        r"|(?<!\w)\(\d{3}\) \d{3}-\d{4}(?!\d)"
        r"|\b(?:phone|tel|mobile)\W{1,3}\+?\d[\d ()./-]{6,18}\d",
        re.IGNORECASE,
    ),
    "key": re.compile(
        r"\bsk-[A-Za-z0-9_-]{20,}|\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_\w{22,}|\bhf_[A-Za-z0-9]{30,}"
        r"|\bAKIA[0-9A-Z]{16}\b|\bAIza[\w-]{35}|\bxox[abprs]-[\w-]{10,}|-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----"
    ),
    "home_path": re.compile(r"(?<![\w.])/(?:home|Users)/[\w.-]+|\b[A-Za-z]:\\+Users\\+[\w.-]+"),
}  # fmt: skip


class Config(Section):
    """Has no settings. Names of people in prose, and addresses of streets, are not found."""

    kind: Literal["personal_data"] = "personal_data"


def examine(texts: Texts, config: Config) -> str | None:  # noqa: ARG001  (every such filter's signature)
    """Return what kind of data reasoning or answer hold, the first of several, None if none."""
    text = f"{texts.reasoning}\n{texts.answer}"
    return next((f"personal_data:{kind}" for kind, pattern in _PATTERNS.items() if pattern.search(text)), None)
