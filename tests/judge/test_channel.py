"""Frames from a hostile process: whatever it sends, the parent gets a frame or ChannelClosedError."""

import socket
import struct
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.judge.channel import Channel, ChannelClosedError, ChannelTimeoutError


def pair() -> tuple[Channel, socket.socket]:
    ours, theirs = socket.socketpair()
    return Channel(ours, max_buffer_bytes=10**6), theirs


def receive_all(channel: Channel) -> None:
    while True:
        channel.receive(time.monotonic() + 5)


json_values = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda v: st.lists(v, max_size=3))


@given(header=st.dictionaries(st.text().filter(lambda k: k != "buffers"), json_values), data=st.lists(st.binary()))
def test_round_trip(header: dict, data: list[bytes]):
    ours, theirs = pair()
    with theirs:
        other = Channel(theirs)
        other.send(header, data)
        assert ours.receive(time.monotonic() + 5) == (header, [bytearray(d) for d in data])
    ours.close()


@settings(deadline=None)
@given(noise=st.binary(max_size=200) | st.binary(max_size=50).map(lambda b: struct.pack("!I", len(b)) + b))
def test_noise_closes_the_channel(noise: bytes):
    ours, theirs = pair()
    with theirs:
        theirs.sendall(noise)
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(ChannelClosedError):
            receive_all(ours)
    ours.close()


@pytest.mark.parametrize("sizes", ["[99999999999]", "[-1]", '["1"]', "{}", "null", "[true]"])
def test_sizes_are_checked_before_anything_is_allocated(sizes: str):
    ours, theirs = pair()
    with theirs:
        header = b'{"buffers": ' + sizes.encode() + b"}"
        theirs.sendall(struct.pack("!I", len(header)) + header)
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(ChannelClosedError):
            ours.receive(time.monotonic() + 5)
    ours.close()


def test_a_silent_and_a_deaf_process_time_out():
    ours, theirs = pair()
    with theirs:
        with pytest.raises(ChannelTimeoutError):
            ours.receive(time.monotonic() + 0.05)
        with pytest.raises(ChannelTimeoutError):
            ours.send({}, [bytes(10**8)], time.monotonic() + 0.05)
    ours.close()


def test_a_slow_frame_arrives_whole():
    ours, theirs = pair()
    text = b'{"buffers":[3]}'
    frame = struct.pack("!I", len(text)) + text + b"abc"

    def drip() -> None:
        for n in range(len(frame)):
            theirs.sendall(frame[n : n + 1])
            time.sleep(0.001)

    thread = threading.Thread(target=drip)
    thread.start()
    assert ours.receive(time.monotonic() + 10) == ({}, [bytearray(b"abc")])
    thread.join()
    theirs.close()
    ours.close()
