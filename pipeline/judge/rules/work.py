"""Rules on who does the work and on what forward lets it depend."""

import ast
from collections.abc import Iterator

from pipeline.judge.moving import MOVING
from pipeline.judge.rules.access_names import ENVIRONMENT, PLACES, TEXT_METHODS, WHEREABOUTS
from pipeline.judge.rules.findings import Finding
from pipeline.judge.rules.source import Source, dotted

COMPUTING = frozenset(
    """matmul mm bmm mv addmm addmv addbmm baddbmm dot einsum tensordot outer inner softmax log_softmax sigmoid tanh
    relu relu_ celu selu rrelu prelu hardshrink exp exp2 expm1 log log2 log10 log1p sqrt rsqrt square pow abs neg sin
    cos tan erf erfinv erfc reciprocal add sub subtract mul multiply div divide addcmul addcdiv sum mean prod std var
    std_mean var_mean max min amax amin aminmax argmax argmin maximum minimum logsumexp norm cumsum cumprod cummax
    cummin sort argsort topk kthvalue median mode cdist clamp clip where lerp conv1d conv2d conv3d conv_transpose1d
    conv_transpose2d conv_transpose3d batch_norm layer_norm group_norm instance_norm rms_norm native_layer_norm
    avg_pool1d max_pool1d max_pool2d max_pool3d adaptive_avg_pool1d embedding gather scatter scatter_add index_add
    bilinear dropout pixel_shuffle cosine_similarity pairwise_distance logaddexp trace tril triu flip roll
    heaviside floor ceil round trunc frac fmod remainder sign gelu silu""".split()  # noqa: SIM905
)
NOT_LAYERS = frozenset(
    {"Parameter", "ParameterList", "ParameterDict", "Identity", "ModuleList", "ModuleDict", "Module"}
)
AVAILABLE = frozenset({"is_cuda", "is_available", "is_cpu", "device", "hasattr", "requires_grad"})
TENSOR_METHODS = frozenset(
    """cpu cuda to item size shape dtype device sum mean allclose eq equal isclose clone copy_ detach contiguous view
    reshape data_ptr numpy float double half is_cuda numel stride""".split()  # noqa: SIM905
)
LOOK_UPS = frozenset({"get", "setdefault", "pop", "append", "add", "hash", "str", "int"})
FIXED_SIZE = 8  # smaller numbers in comparisons with a size are dimensions, vector widths and the like


def examine(source: Source) -> Iterator[Finding]:
    """Yield second paths, borrowed work, and what forward depends on that it must not."""
    for node in source.nodes:
        match node:
            case ast.Try() | ast.TryStar() if not _only_raises(node):
                yield Finding("fallback", node.lineno, "a try statement: an answer must not have a second path")
            case ast.Compare() | ast.Call(func=ast.Attribute()):
                yield from _whereabouts(source, node)
            case ast.ClassDef(name=name):
                yield from _bases(source, node, name)
            case ast.Attribute(attr="data_ptr") | ast.Attribute(attr="_version"):
                if not _is_argument(source, node):
                    yield Finding("cache_key", node.lineno, f".{node.attr}")
            case ast.Attribute(attr=attr, ctx=ast.Store()) if attr in TENSOR_METHODS and not _is_own(source, node):
                yield Finding(
                    "tensor_method", node.lineno, f"replaces .{attr} of {dotted(node.value) or 'an object'}"
                )
    layers = _layers(source)
    counters = _counters(source)
    for node in source.reached:
        yield from _borrowed(source, node, layers)
        if isinstance(node, ast.Compare):
            yield from _comparison(node, counters)


def _only_raises(node: ast.Try | ast.TryStar) -> bool:
    """Whether what goes wrong goes on as an exception, however it is told: there is no second path then."""
    if any(not isinstance(handler.body[-1], ast.Raise) for handler in node.handlers):
        return False
    ends = (ast.Return, ast.Break, ast.Continue, ast.Yield, ast.YieldFrom, ast.Await)
    parts = [part for handler in node.handlers for part in ast.walk(handler)]
    parts += [part for statement in node.finalbody for part in ast.walk(statement)]
    return not any(isinstance(part, ends) for part in parts)


def _bases(source: Source, node: ast.ClassDef, name: str) -> Iterator[Finding]:
    for base in node.bases:
        path = source.path(base)
        if path in ("torch.Tensor", "torch.nn.Parameter", "torch.nn.parameter.Parameter"):
            yield Finding("lazy_tensor", node.lineno, f"{name} is a subclass of {path}")
        elif name == "ModelNew" and not path and dotted(base).split(".")[-1].startswith(("Model", "Reference")):
            yield Finding("inherits_reference", node.lineno, f"ModelNew inherits from {dotted(base)}")
        elif name == "ModelNew" and path.partition(".")[0] not in ("", "torch"):
            yield Finding("inherits_reference", node.lineno, f"ModelNew inherits from {path}")


def _whereabouts(source: Source, node: ast.Compare | ast.Call) -> Iterator[Finding]:
    """Look at comparisons, and at methods of texts, which are as good."""
    if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Attribute) and node.func.attr in TEXT_METHODS):
        return
    parts = list(ast.walk(node))
    told = {source.path(part) or (part.id if isinstance(part, ast.Name) else "") for part in parts}
    texts = {part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)}
    asked = told & WHEREABOUTS | (texts & PLACES if told & ENVIRONMENT else set())
    if asked and "__main__" not in texts:
        yield Finding("test_mode", node.lineno, f"compares {', '.join(sorted(asked))}")


def _is_own(source: Source, node: ast.Attribute) -> bool:
    """Whether it is an attribute of self, or of what torch hands to an autograd Function that nobody else calls."""
    if (name := dotted(node.value)) == "self":
        return True
    function = next((a for a in source.ancestors(node) if isinstance(a, ast.FunctionDef)), ast.Pass())
    owner = source.parents.get(function)
    if not isinstance(function, ast.FunctionDef) or not isinstance(owner, ast.ClassDef):
        return False
    if [source.path(base) for base in owner.bases] != ["torch.autograd.Function"] or owner.decorator_list:
        return False
    users = [source.parents[n] for n in source.nodes if isinstance(n, ast.Name) and n.id == owner.name]
    applied = all(isinstance(user, ast.Attribute) and user.attr == "apply" for user in users)
    return applied and name == next((argument.arg for argument in function.args.args), None)


def _is_argument(source: Source, node: ast.Attribute) -> bool:
    """Whether ``x.data_ptr()`` is handed to a function as it stands, or in a list of arguments."""
    value = source.parents[node]
    user = source.parents.get(value)
    while isinstance(user, ast.List | ast.Tuple | ast.keyword):
        value, user = user, source.parents.get(user)
    if not isinstance(user, ast.Call) or value is user.func:
        return False
    name = user.func.attr if isinstance(user.func, ast.Attribute) else dotted(user.func)
    return name not in LOOK_UPS


def _layers(source: Source) -> dict[str, str]:
    """Return which attributes of self are made from torch's own layers: ``{"linear": "torch.nn.Linear"}``."""
    found: dict[str, str] = {}
    for node in source.nodes:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            path = source.path(node.value.func)
            layer = path.split(".")[-1]
            if path.startswith("torch.nn.") and layer[:1].isupper() and layer not in NOT_LAYERS:
                found |= {
                    t.attr: path for t in node.targets if isinstance(t, ast.Attribute) and dotted(t.value) == "self"
                }
    return found


def _borrowed(source: Source, node: ast.AST, layers: dict[str, str]) -> Iterator[Finding]:
    """Work that forward leaves to torch."""
    what = ""
    if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.MatMult):
        what = "@"
    elif isinstance(node, ast.Call):
        path = source.path(node.func)
        if _computes(path):
            what = path
        elif isinstance(node.func, ast.Attribute) and dotted(node.func.value) == "self" and node.func.attr in layers:
            what = f"self.{node.func.attr}, a {layers[node.func.attr]}"
    if what:
        line = getattr(node, "lineno", 0)
        if _is_second_path(source, node):
            yield Finding("fallback", line, f"{what} where the kernel is not used")
        else:
            yield Finding("torch_computes", line, f"forward comes to {what}")


def _computes(path: str) -> bool:
    """Whether a call of something of torch surely computes."""
    last = path.rsplit(".", maxsplit=1)[-1]
    if path.startswith("torch.nn.functional."):
        return last not in MOVING
    if path.startswith(("torch.linalg.", "torch.fft.", "torch.special.")):
        return True
    if path.startswith("torch.nn."):
        return last[:1].isupper() and last not in NOT_LAYERS
    return path == f"torch.{last}" and last in COMPUTING


def _is_second_path(source: Source, node: ast.AST) -> bool:
    """Whether it stands under a condition that asks whether the kernel can be used."""
    for ancestor in source.ancestors(node):
        if isinstance(ancestor, ast.If | ast.IfExp):
            for part in ast.walk(ancestor.test):
                name = part.attr if isinstance(part, ast.Attribute) else part.id if isinstance(part, ast.Name) else ""
                if name in AVAILABLE or (isinstance(part, ast.Constant) and part.value is None):
                    return True
    return False


def _counters(source: Source) -> set[str]:
    """Return the attributes and globals that forward counts up or down by itself."""
    counted: set[str] = set()
    shared = {name for node in source.reached if isinstance(node, ast.Global | ast.Nonlocal) for name in node.names}
    for node in source.reached:
        match node:
            case ast.AugAssign(target=ast.Attribute(attr=name)):
                counted.add(name)
            case ast.AugAssign(target=ast.Name(id=name)) if name in shared:
                counted.add(name)
            case ast.Assign(targets=[ast.Attribute(attr=name)], value=ast.BinOp(left=ast.Attribute(attr=old))):
                counted |= {name} & {old}
    return counted


def _comparison(node: ast.Compare, counters: set[str]) -> Iterator[Finding]:
    parts = list(ast.walk(node))
    names = {n.attr for n in parts if isinstance(n, ast.Attribute)} | {n.id for n in parts if isinstance(n, ast.Name)}
    if used := sorted(names & counters):
        yield Finding("call_counter", node.lineno, f"compares {used[0]}, which forward itself counts")
    large = any(isinstance(n, ast.Constant) and type(n.value) is int and n.value >= FIXED_SIZE for n in parts)
    equates = any(isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for op in node.ops)
    if large and equates and names & {"shape", "size", "numel"}:
        yield Finding("fixed_shape", node.lineno, ast.unparse(node)[:80])
