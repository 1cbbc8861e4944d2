"""Drops answers that hold a person's data or a secret: addresses, phone numbers, keys, names of home folders."""

import re
from typing import Literal

from pipeline.curation.features import Texts
from pipeline.section import Section

# `a@b.T` is a matrix product: only endings of addresses count, not names of attributes.
_ENDINGS = "com|org|net|edu|gov|io|ai|dev|info|uk|de|fr|cn|jp|ru|eu|ch|nl|ca|au|us|kr|br|es|it"
# Each begins with a literal, which a search jumps to; what has to stand before it is looked up from there.
_PATTERNS = (
    ("email", re.compile(rf"@(?<=[\w.+-]@)(?:[A-Za-z0-9-]{{1,63}}\.){{1,4}}(?:{_ENDINGS})\b(?!\s*[(.\[]\w)")),
    ("phone", re.compile(r"\+(?<![\w)\].,+*/-]\+)[1-9]\d{0,2}[ .-](?:\(\d{1,4}\)[ .-]?)?\d{2,4}(?:[ .-]\d{2,4}){1,4}"
                         r"(?![\w.])")),
    ("phone", re.compile(r"\((?<!\w\()\d{3}\) \d{3}-\d{4}(?!\d)")),
    *(("phone", re.compile(rf"{word}(?<!\w{word})\W{{1,3}}\+?\d[\d ()./-]{{6,18}}\d"))
      for word in ("phone", "Phone", "tel", "Tel", "mobile", "Mobile")),
    ("key", re.compile(r"sk-(?<!\wsk-)[A-Za-z0-9_-]{20,}")),
    ("key", re.compile(r"gh(?<!\wgh)[pousr]_[A-Za-z0-9]{36}")),
    ("key", re.compile(r"github_pat_\w{22,}")),
    ("key", re.compile(r"hf_(?<!\whf_)[A-Za-z0-9]{30,}")),
    ("key", re.compile(r"AKIA(?<!\wAKIA)[0-9A-Z]{16}\b")),
    ("key", re.compile(r"AIza(?<!\wAIza)[\w-]{35}")),
    ("key", re.compile(r"xox(?<!\wxox)[abprs]-[\w-]{10,}")),
    ("key", re.compile(r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----")),
    ("home_path", re.compile(r"/home/(?<![\w.]/home/)[\w.-]+")),
    ("home_path", re.compile(r"/Users/(?<![\w.]/Users/)[\w.-]+")),
    ("home_path", re.compile(r":\\(?<=[A-Za-z]:\\)\\*Users\\+[\w.-]+")),
)  # fmt: skip


class Config(Section):
    """Has no settings. Names of people in prose, and addresses of streets, are not found."""

    kind: Literal["personal_data"] = "personal_data"


def examine(texts: Texts, config: Config) -> str | None:  # noqa: ARG001  (every such filter's signature)
    """Return what kind of data reasoning or answer hold, the first of several, None if none."""
    text = f"{texts.reasoning}\n{texts.answer}"
    return next((f"personal_data:{kind}" for kind, pattern in _PATTERNS if pattern.search(text)), None)
