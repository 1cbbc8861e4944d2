"""What is out of bounds, but harmless as it stands: switched off, printed to, or looked at by itself."""

import ast
from collections.abc import Iterator

from pipeline.judge.rules.access_names import MUTE_IN_COMPILERS
from pipeline.judge.rules.findings import Finding
from pipeline.judge.rules.operators import is_own_operator
from pipeline.judge.rules.source import LOGGER, Source

_CONFIGURATION = frozenset({"level", "format", "datefmt", "force"})


def is_harmless(source: Source, node: ast.Attribute, path: str) -> bool:
    """Whether an attribute, of that path, which a rule may be against does nothing where it stands."""
    parent = source.parents[node]
    if path.startswith(("torch.ops", "torch.library")):
        return is_own_operator(source, node)
    if path in ("torch.jit", "torch.compiler"):
        return source.path(parent) in MUTE_IN_COMPILERS
    if path in ("sys.stdout", "sys.stderr"):  # print("...", file=sys.stderr)
        user = source.parents.get(parent)
        prints = isinstance(user, ast.Call) and isinstance(user.func, ast.Name) and user.func.id == "print"
        return prints and isinstance(parent, ast.keyword) and parent.arg == "file"
    if path in ("torch.autocast", "torch.amp.autocast", "torch.cuda.amp.autocast"):
        off = [k.value for k in parent.keywords if k.arg == "enabled"] if isinstance(parent, ast.Call) else []
        return bool(off) and isinstance(off[0], ast.Constant) and off[0].value is False
    return False


def logging(source: Source, node: ast.AST) -> Iterator[Finding]:
    """Yield uses of a logger, which lives on between calls and knows the time, for more than to tell something."""
    if not isinstance(node, ast.Name | ast.Attribute):
        return
    path = source.path(node)
    if path == LOGGER or path.rpartition(".")[2].isupper() or not path.startswith("logging."):
        return
    call = source.parents[node]
    if not isinstance(call, ast.Call) or call.func is not node:
        yield Finding(
            "import", call.lineno if isinstance(call, ast.expr | ast.stmt) else 0, f"{path} that is not called"
        )
        return
    user = source.parents[call]
    if path == "logging.getLogger":
        harmless = isinstance(user, ast.Assign) and all(isinstance(target, ast.Name) for target in user.targets)
    elif path in ("logging.basicConfig", f"{LOGGER}.setLevel"):
        inside = any(isinstance(a, ast.FunctionDef | ast.Lambda | ast.ClassDef) for a in source.ancestors(call))
        harmless = not inside and {keyword.arg for keyword in call.keywords} <= _CONFIGURATION
    else:
        harmless = isinstance(user, ast.Expr)
    if not harmless:
        yield Finding("import", call.lineno, f"{path} for more than to tell something")
