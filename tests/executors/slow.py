"""An actor that can be made to fail; in a module that is imported in no time, since it often starts anew."""

import os
import signal
import time
from pathlib import Path


class Slow:
    """Says who it is after a while; dies at what it is told to die at."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self) -> None:
        pass

    def close(self) -> None:
        (self.folder / "closed").touch()

    def work(self, item: int, fatal: bool) -> tuple[int, int]:
        with (self.folder / "begun").open("a") as file:
            file.write(f"{item}\n")
        if fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.05)
        return item, os.getpid()

    def gpus(self) -> str | None:
        (self.folder / str(os.getpid())).touch()
        while len(list(self.folder.glob("[0-9]*"))) < 2:  # the other one has to answer too
            time.sleep(0.05)
        return os.environ.get("CUDA_VISIBLE_DEVICES")

    def fail(self, error: Exception) -> int:
        if (self.folder / "failed").exists():
            return os.getpid()
        (self.folder / "failed").write_text(str(os.getpid()))
        raise error
