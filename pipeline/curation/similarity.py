"""How alike are two PyTorch modules, whatever their names, constants, sizes and layout?

A module's normal form is the stream of operations in the order in which they are evaluated: variables, constants
and calls of the module's own functions leave no trace, and an operation is known by its last name in lower case
without underscores, so that ``F.log_softmax(x, dim=1)`` and ``nn.LogSoftmax(2)`` share theirs. Two forms are compared
by the n-grams they have in common. This is CUDA Agent's idea of keeping composed tasks away from a benchmark (AST
similarity, bound 0.9); their formula is not published, this one is Dice's coefficient over multisets of n-grams.
"""

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import NamedTuple

from pipeline.python_syntax import parse

NGRAM = 3
END = "end"  # padding
LEFT_OUT = {"get_inputs", "get_init_inputs", "make_inputs"}  # which values a module is given is not what it computes

Form = tuple[str, ...]


def normal_form(source: str) -> Form:
    """Return the operations of a module's classes and functions, in order of evaluation, as tokens.

    A layer made in ``__init__`` counts where it is called, so that layers and functions are alike. Imports,
    docstrings, annotations, all else in ``__init__``, module-level statements, ``get_inputs`` and ``get_init_inputs``
    leave no trace; nor does whether a value had a name before it was used.

    Raises:
        SyntaxError: ``source`` is no Python, or nested beyond what Python parses.
    """
    try:
        tree = parse(source)
        nodes = list(ast.walk(tree))
        own = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        own |= {node.arg for node in nodes if isinstance(node, ast.arg)}  # a function that is passed in
        layers = dict(_layers(tree, own))
        defined = [node for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
        return tuple(chain.from_iterable(_tokens(node, layers, own) for node in defined if node.name not in LEFT_OUT))
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(f"{type(error).__name__}: {error}") from error


def similarity(a: Form, b: Form) -> float:
    """Return 2 |A and B| / (|A| + |B|) over the multisets of n-grams of two normal forms: 1 when they are equal."""
    one, other = _ngrams(a), _ngrams(b)
    return 2 * (one & other).total() / (one.total() + other.total())


class Nearest(NamedTuple):
    """A member of a corpus and its similarity to what was asked."""

    name: str
    similarity: float


class Corpus:
    """Normal forms by name, indexed so that 18,000 queries against hundreds of members take a minute."""

    def __init__(self, forms: Mapping[str, Form]) -> None:
        self.totals: dict[str, int] = {}
        self.index: defaultdict[Form, list[tuple[str, int]]] = defaultdict(list)
        for name, form in forms.items():
            ngrams = _ngrams(form)
            self.totals[name] = ngrams.total()
            for ngram, count in ngrams.items():
                self.index[ngram].append((name, count))


def nearest(query: Form, corpus: Corpus) -> Nearest | None:
    """Return the member with the highest ``similarity`` to a normal form, the first by name; None of none."""
    ngrams = _ngrams(query)
    shared: Counter[str] = Counter()
    for ngram, count in ngrams.items():
        for name, other in corpus.index.get(ngram, ()):
            shared[name] += min(count, other)
    scored = (
        Nearest(name, 2 * shared[name] / (ngrams.total() + total)) for name, total in sorted(corpus.totals.items())
    )
    return max(scored, key=lambda found: found.similarity, default=None)


def _ngrams(form: Form) -> Counter[Form]:
    padding = (END,) * (NGRAM - 1)  # each operation is part of equally many n-grams, and the empty form has some
    padded = (*padding, *form, *padding)
    return Counter(padded[start : start + NGRAM] for start in range(len(padded) - NGRAM + 1))


def _layers(tree: ast.Module, own: set[str]) -> Iterator[tuple[str, Form]]:
    """Yield attributes of ``self`` with the operations of the layers that they are: conv -> (conv2d,)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            operations = tuple(_tokens(node.value, {}, own))
            for target in node.targets:
                if isinstance(target, ast.Attribute):
                    yield target.attr, operations


def _called(function: ast.expr) -> str | None:
    match function:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name.lower().replace("_", "")
    return None


def _tokens(node: ast.AST, layers: Mapping[str, Form], own: set[str]) -> Iterator[str]:
    """Yield a subtree's tokens, operands before their operation."""
    match node:
        case ast.ClassDef(body=body):
            children: list[ast.AST] = [*body]
        case ast.FunctionDef(name="__init__"):
            return
        case ast.FunctionDef(body=body, args=arguments):
            children = [*arguments.defaults, *body]
        case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant()):
            return
        case ast.Assign(value=value) | ast.Return(value=value) | ast.AnnAssign(value=value) if value is not None:
            children = [value]
        case ast.Call(func=function):
            children = [*_receiver(function), *node.args, *(k.value for k in node.keywords)]
        case ast.Attribute(value=value):
            children = [] if _root(value) else [value]
        case _:
            children = list(ast.iter_child_nodes(node))
    for child in children:
        yield from _tokens(child, layers, own)
    yield from _token(node, layers, own)


def _token(node: ast.AST, layers: Mapping[str, Form], own: set[str]) -> Iterator[str]:  # noqa: C901  (a table)
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=name)):
            yield from layers.get(name, ())
        case ast.Attribute(value=ast.Name(id="self"), attr=name):
            yield from (layers[name] if layers.get(name, ())[-1:] == ("modulelist",) else ())
        case ast.Call(func=function):
            called = _called(function)
            if called is not None and getattr(function, "id", None) not in own:
                yield called
        case ast.Attribute(value=ast.Name(id=owner), attr=name) if owner != "self":
            yield name.lower().replace("_", "")
        case ast.Attribute(value=ast.expr(), attr=name) if not isinstance(node.value, ast.Name):
            yield name.lower().replace("_", "")
        case ast.UnaryOp(operand=ast.Constant()):  # -1
            return
        case ast.BinOp() | ast.UnaryOp() | ast.BoolOp() | ast.Compare():
            operators = node.ops if isinstance(node, ast.Compare) else [node.op]
            yield from (type(operator).__name__.lower() for operator in operators)
        case ast.AugAssign(op=operator):
            yield type(operator).__name__.lower()
        case ast.If() | ast.For() | ast.While() | ast.IfExp() | ast.Subscript() | ast.Lambda():
            yield type(node).__name__.lower()


def _receiver(function: ast.expr) -> list[ast.AST]:
    """Return what a method is called on; nothing for a function of a library or a layer of ``self``."""
    if isinstance(function, ast.Attribute) and not _root(function.value):
        return [] if isinstance(function.value, ast.Name) and function.value.id == "self" else [function.value]
    return []


def _root(node: ast.expr) -> bool:
    """Whether an expression is a library's name, as ``torch.nn.functional`` and ``F`` are."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id in {"torch", "nn", "F", "math", "np", "numpy", "einops"}
