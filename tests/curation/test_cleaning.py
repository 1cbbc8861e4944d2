"""What the filters that look into texts find, and what they leave alone."""

import random

import pytest
from datasketch import MinHash

from pipeline.curation import (
    decontaminated,
    honest,
    language,
    leaks,
    looping,
    minhash,
    near_duplicates,
    personal_data,
    same_task,
)
from pipeline.curation.code_tokens import code_tokens, renamed
from pipeline.curation.features import Texts
from pipeline.curation.funnel import examine, run_filters
from pipeline.errors import UserError
from tests.cheats.cheats import cheats
from tests.curation.examples import features
from tests.honest.pairs import pairs
from tests.synthetic_run import kernel, make_task

PROSE = (
    "The reduction is over rows, so each block takes one row. To judge how many threads to use, consider the warp. "
    "We multiply x@w.T and A@self.weight, and tests on paper: 128-256-1024 gives +1 per step. θ is the angle, ε small. "
    "I verify the bound: i < n. The previous approach of one thread per row is slower; @torch.no_grad() is no help. "
    "Wait, I made a mistake: the line of my draft has to be i * cols. The compiler complains if x is not const, and its "
    "error is cryptic. The last sample of the batch and the first candidate for the maximum are edge cases. The first "
    "solution: a block per row. A negative size is not accepted. The code is tested at odd sizes. Let me read my code."
)


def find(module, reasoning=PROSE, answer="Here.", code="x = 1", **settings):
    return module.examine(Texts(reasoning, answer, code), module.Config(**settings))


def test_ordinary_reasoning_passes():
    for module in (looping, language, leaks, personal_data):
        assert find(module) is None, module.__name__


def test_every_honest_kernel_passes_and_no_cheat_that_a_rule_can_see_does():
    for pair in pairs():
        texts = Texts("", f"```python\n{pair.code}```", pair.code)
        for module in (honest, language, personal_data):
            assert module.examine(texts, module.Config()) is None, pair.name
    for cheat in cheats():
        by_rule = cheat.strict.startswith("cheating rule:") and "|" not in cheat.strict
        found = find(honest, code=cheat.code)
        assert not by_rule or found or cheat.name == "61_name_in_a_flag", cheat.name  # known to the build alone
    assert find(honest, code="def (") == "rule:python_syntax"


def test_a_bare_source_is_read_as_one():
    bare = "#include <torch/extension.h>\n__global__ void k(float* y) { y[0] = 1; }\ntorch::Tensor forward(torch::Tensor x) { BODY }"
    assert find(honest, code=bare.replace("BODY", "k<<<1, 1>>>(x.data_ptr<float>()); return x;")) is None
    assert (
        find(honest, code=bare.replace("BODY", "k<<<1, 1>>>(x.data_ptr<float>()); return at::relu(x);"))
        == "rule:library_computes"
    )


@pytest.mark.parametrize(
    ("trace", "reason"),
    [
        ("The hidden tests will check odd sizes.", "mentions_grader"),
        ("I must satisfy the grader here.", "mentions_grader"),
        ("The test harness compares with allclose.", "mentions_grader"),
        ("This is a KernelBench problem.", "mentions_grader"),
        ("My previous attempt lost the tail.", "mentions_other_answer"),
        ("In the last answer the index was wrong.", "mentions_other_answer"),
        ("Another candidate's kernel used shared memory.", "mentions_other_answer"),
        ("The report says: own.cu(12): error: expected a ;", "mentions_other_answer"),
        ("According to the compiler message, grid is undefined.", "mentions_other_answer"),
        ("I made a mistake at line 14 of my module: it has to be `int i`.", "mentions_other_answer"),
        ("My module was tested and is not accepted: incorrect.", "mentions_other_answer"),
        ("My answer was cut off, so I think more briefly.", "mentions_other_answer"),
        ("The review doubts the barrier, but it is right.", "mentions_other_answer"),
        ("Attempt 1 failed: undefined symbol.", "mentions_other_answer"),
    ],
)
def test_talk_of_the_grader_or_of_another_answer_is_found(trace, reason):
    assert find(leaks, f"{PROSE} {trace} {PROSE}") == reason


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Written by jane.doe+cuda@example.org, 2024.", "email"),
        ("Call +49 30 1234 5678 for help.", "phone"),
        ("Call (415) 555-0132.", "phone"),
        ("api_key = 'sk-" + "a1B2" * 8 + "'", "key"),
        ("hf_" + "aBcDeFgHiJ" * 4, "key"),
        ("See /home/jane/kernels/a.cu", "home_path"),
        (r"C:\Users\jane\a.cu", "home_path"),
    ],
)
def test_personal_data_is_found_in_reasoning_and_answer(text, kind):
    assert find(personal_data, f"{PROSE} {text}") == f"personal_data:{kind}"
    assert find(personal_data, answer=text) == f"personal_data:{kind}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("每个线程处理一个元素 " * 3, "not_english"),
        ("one\x00two", "control_characters"),
        ("one\u202etwo", "control_characters"),
        ("the kernelâ€™s", "mojibake"),
        ("caf\u00c3\u00a9", "mojibake"),
        ("lost \ufffd here", "mojibake"),
    ],
)
def test_foreign_and_broken_text_is_found(text, reason):
    assert find(language, f"{PROSE} {text}") == reason
    assert find(language, answer=text) == reason


def test_some_foreign_letters_are_no_matter():
    assert find(language, PROSE * 4 + " 核") is None
    assert find(language, PROSE, max_foreign=0) is None  # Greek is mathematics


def test_loops_are_found_at_the_end_and_throughout():
    words = " ".join(f"word{i}" for i in range(60))
    assert find(looping, f"{PROSE} {words} {words} {words}") == "ends_in_loop"
    assert find(looping, f"{PROSE} " + "so, " * 30) == "ends_in_loop"
    assert find(looping, f"{PROSE} {words} once more: {words} and on") is None
    scattered = " ".join(f"{words} and then {i}." for i in range(4))
    assert find(looping, scattered) == "repeats_passages"
    assert find(looping, scattered, max_share=0.8) is None
    assert looping.repeated_share(["a", "b", "c", "a", "b", "c", "a", "b", "d"], 3) == pytest.approx(3 / 7)


def test_the_same_kernel_with_other_names_is_the_same():
    named = kernel("relu").replace("int i", "int index").replace("[i]", "[index]").replace("i < n", "index < n")
    assert renamed(named) == renamed(kernel("relu"))
    assert renamed(kernel("tanh")) != renamed(kernel("relu"))  # a called function is no name of its own
    assert renamed(kernel("relu").replace("y[i]", "x[i]")) != renamed(kernel("relu"))
    assert renamed(kernel("relu").replace("< n", "<= n")) != renamed(kernel("relu"))


def test_signatures_estimate_what_datasketch_and_the_definition_give():
    draw = random.Random(3)
    words = [f"w{draw.randrange(80)}" for _ in range(600)]
    for changes in (0, 5, 20, 80):
        other = list(words)
        for _ in range(changes):
            other[draw.randrange(len(other))] = "changed"
        sets = [{tuple(text[i : i + 5]) for i in range(len(text) - 4)} for text in (words, other)]
        exact = len(sets[0] & sets[1]) / len(sets[0] | sets[1])
        sketches = [MinHash(128), MinHash(128)]
        for sketch, shingles in zip(sketches, sets, strict=True):
            sketch.update_batch([" ".join(s).encode() for s in shingles])
        ours = minhash.similarity(signature(words), signature(other))
        assert abs(ours - exact) < 0.14  # three standard errors
        assert abs(ours - sketches[0].jaccard(sketches[1])) < 0.2


def signature(words):
    made = minhash.signature(words)
    assert made is not None
    return made


def test_near_duplicates_of_another_task_go_and_the_lowest_task_keeps_all_its_answers():
    long = pairs()[26].code
    texts = {
        ("t1", "a"): long,
        ("t1", "b"): long.replace("block_reduce", "reduce_block"),
        ("t2", "c"): long + "\n# the same, one number changed\n".replace("\n", "\n\n"),
        ("t3", "d"): long.replace("MAX ? fmaxf", "MAX ? fminf", 1),
        ("t4", "e"): pairs()[40].code,
    }
    rows = [
        features(c, t, found=examine(Texts("", "", code), [near_duplicates.Config()]))
        for (t, c), code in texts.items()
    ]
    assert all(len(row.found["near_duplicates"]) == minhash.SIGNATURE_BYTES for row in rows)
    outcome = run_filters(rows[::-1], [near_duplicates.Config()])
    assert outcome.reasons == {"c": "near_duplicate", "d": "near_duplicate"}
    within = near_duplicates.Config(within_tasks=True)
    assert run_filters(rows, [within]).reasons.keys() == {"b", "c", "d"}


def test_all_that_is_alike_is_found_among_many():
    draw = random.Random(5)
    base = [[f"w{draw.randrange(500)}" for _ in range(200)] for _ in range(150)]
    copies = [[*text[:100], "changed", *text[101:]] for text in base[:50]]
    signatures = [signature(text) for text in base + copies]
    assert set(minhash.near_pairs(signatures, 0.85)) == {(i, 150 + i) for i in range(50)}
    assert minhash.groups(5, iter([(3, 4), (0, 3)])) == [0, 1, 2, 0, 0]
    assert code_tokens("x = 1  # one\n") == code_tokens("x=1\n")


def test_a_task_of_two_sources_is_one_task():
    one = make_task(0, "elementwise", "relu")
    relaid = one.model_copy(
        update={
            "reference": "# a copy\n" + one.reference.replace("self, x", "self, y").replace("(x)", "(y)"),
            "source": "other",
        }
    )
    different = make_task(0, "elementwise", "tanh")
    found = same_task.examine_tasks([one, relaid, different], same_task.Config())
    rows = [
        features(f"c-{t.id}", t.id, source=t.source, found={"same_task": found[t.id]})
        for t in (one, relaid, different)
    ]
    later = max(one.id, relaid.id)
    assert same_task.apply(rows, same_task.Config()) == {f"c-{later}": "same_task_of_other_source"}


def test_training_tasks_that_resemble_an_evaluation_task_are_reported_and_dropped(tmp_path):
    train = [make_task(i, "elementwise", name) for i, name in enumerate(("relu", "tanh", "softmax"))]
    heldout = make_task(9, "elementwise", "relu", "heldout")
    (tmp_path / "level1").mkdir()
    (tmp_path / "level1" / "1_tanh.py").write_text(train[1].reference.replace("ROWS", "N").replace("128", "64"))
    config = decontaminated.Config(suites=(tmp_path,))
    found = decontaminated.examine_tasks([*train, heldout], config)
    rows = [features(t.name, t.id, found={"decontaminated": found[t.id]}) for t in train]
    assert decontaminated.apply(rows, config) == {train[0].name: "contaminated", train[1].name: "contaminated"}
    report = decontaminated.report({t.id: t for t in train}, found, config)
    assert (report["compared"], report["dropped"], sum(report["histogram"])) == (3, 2, 3)
    assert [(p["task"], p["evaluation_task"], p["similarity"]) for p in report["nearest"][:2]] == [
        (train[0].name, f"heldout/{heldout.name}", 1.0), (train[1].name, f"{tmp_path.name}/level1/1_tanh", 1.0),
    ]  # fmt: skip
    assert report["nearest"][2]["similarity"] < 0.9
    assert decontaminated.examine_tasks(train, decontaminated.Config()) == {}
    with pytest.raises(UserError, match=r"suite .*nowhere: no"):
        decontaminated.examine_tasks(train, decontaminated.Config(suites=(tmp_path / "nowhere",)))
