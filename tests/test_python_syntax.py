"""Parsing in several threads at once: CPython's own parser fails there now and then."""

import subprocess
import sys

SCRIPT = """
import gc, sys, threading, time
from pipeline.python_syntax import parse

class Yields:
    def __del__(self):
        time.sleep(0)

def run():
    for _ in range(60):
        cycle = [Yields()]
        cycle.append(cycle)
        del cycle
        try:
            parse(source)
        except SystemError as error:
            found.append(error)

found = []
source = "x = [" + ",".join(f"({i}, {{'a': {i}}})" for i in range(300)) + "]\\n"
sys.setswitchinterval(1e-6)
gc.set_threshold(50)
threads = [threading.Thread(target=run) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(found)
"""


def test_threads_parse_at_the_same_time():
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
