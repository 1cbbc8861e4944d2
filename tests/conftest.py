"""What tests share: small tasks and candidates of known quality."""

import os

from hypothesis import settings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
settings.register_profile("busy machines", deadline=None)  # 200 ms a case say nothing where others compute, too
settings.load_profile("busy machines")
