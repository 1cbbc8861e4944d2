from concurrent.futures import ThreadPoolExecutor

from pipeline.agent.lines import RecordLines, read_records
from pipeline.records import Message


def record(text: str) -> Message:
    return Message(role="user", content=text)


def test_records_are_found_again_and_a_torn_line_swallows_nothing(tmp_path):
    path = tmp_path / "lines.jsonl"
    with RecordLines(path, Message, lambda m: m.content) as lines, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: lines.append(record(f"{n}")), range(200)))
        assert lines.get("7") == record("7")
    with path.open("ab") as file:
        file.write(b'{"role":"user","conte')  # killed while writing
    assert len(list(read_records(path, Message))) == 200
    with RecordLines(path, Message, lambda m: m.content) as lines:
        lines.append(record("after"))
        assert lines.get("after") == record("after")
        assert lines.get("199") == record("199")
        assert lines.get("none") is None
    lines.append(record("too late"))  # the stage is over
    assert [m.content for m in read_records(path, Message)][200:] == ["after"]
    assert list(read_records(tmp_path / "none", Message)) == []
