"""A chat server for the benchmark: ``python tests/servers/latency.py SLOTS MEAN_SECONDS``.

It answers at most SLOTS requests at a time, each after an exponential time of that mean (at most eight times it), and
lets the others wait. ``GET /busy`` tells what share of all slots was busy since the last ``GET /busy``.
"""

import asyncio
import json
import random
import sys
import time

REASONING = "The rows are independent, so each block takes one of them and its threads stride over it. " * 40
CODE = (
    '```python\nimport torch\n\n\nclass ModelNew(torch.nn.Module):\n    source = """\n'
    + "    // work\n" * 250
    + '"""\n```\n'
)


class Slots:
    """The slots, and the time they were busy."""

    def __init__(self, number: int, mean: float) -> None:
        self.free = asyncio.Semaphore(number)
        self.number = number
        self.mean = mean
        self.random = random.Random(1)
        self.busy = self.since = 0.0
        self.count = 0
        self.changed = time.monotonic()

    def change(self, by: int) -> None:
        now = time.monotonic()
        self.busy += self.count * (now - self.changed)
        self.changed = now
        self.count += by

    async def answer(self) -> dict:
        async with self.free:
            self.change(1)
            await asyncio.sleep(min(self.random.expovariate(1 / self.mean), 8 * self.mean))
            self.change(-1)
        message = {"role": "assistant", "content": CODE, "reasoning": REASONING}
        usage = {"prompt_tokens": 700, "completion_tokens": 1800, "total_tokens": 2500}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return {
            "id": "c",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [choice],
            "usage": usage,
        }

    def share(self) -> dict:
        self.change(0)
        share = self.busy / (self.number * (self.changed - self.since)) if self.since else None
        self.busy, self.since = 0.0, self.changed
        return {"busy": share}


async def serve(slots: Slots, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = next((int(h[15:]) for h in head.lower().split(b"\r\n") if h.startswith(b"content-length:")), 0)
            await reader.readexactly(length)
            value = slots.share() if head.startswith(b"GET") else await slots.answer()
            body = json.dumps(value).encode()
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
            )
            writer.write(body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main() -> None:
    slots = Slots(int(sys.argv[1]), float(sys.argv[2]))
    server = await asyncio.start_server(lambda r, w: serve(slots, r, w), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
