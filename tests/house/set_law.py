"""Never iterate a `set` in a core (style, 22): its order is that of hashes, which differ by run.

Known to be a set: a display, a comprehension, `set(…)`, `frozenset(…)`, what dict views give with
`&`, `-`, `|`, and every name or attribute that was annotated as one or had one assigned. Iterating
is: `for`, comprehensions, unpacking, `list`, `tuple`, `iter`, `enumerate`, `zip`, `map`, `filter`,
`join`, `pop()`. Asking for `in`, `len`, `sorted`, `min`, `max`, `sum`, `any`, `all` is not.
"""

import ast
from collections.abc import Iterator

_MAKERS = ("set", "frozenset")
_TYPES = ("set", "frozenset", "Set", "AbstractSet", "MutableSet", "FrozenSet")
_ITERATORS = ("list", "tuple", "iter", "enumerate", "zip", "map", "filter", "reversed", "dict")
_VIEWS = (".keys", ".items")
_ALGEBRA = ("union", "intersection", "difference", "symmetric_difference", "copy")


def iterated_sets(tree: ast.Module) -> Iterator[str]:
    attributes = _known_sets(tree, attributes=True)
    for scope in _scopes(tree):
        known = attributes | _known_sets(scope, attributes=False)
        for node in _own_nodes(scope):
            for iterated in _iterated(node):
                if _is_set(iterated, known):
                    yield f"{iterated.lineno}: {ast.unparse(iterated)[:60]}"


def _scopes(tree: ast.Module) -> Iterator[ast.AST]:
    yield tree
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """Without the bodies of functions inside: these are scopes of their own."""
    waiting = list(ast.iter_child_nodes(scope))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += ast.iter_child_nodes(node)


def _known_sets(scope: ast.AST, *, attributes: bool) -> frozenset[str]:
    """Names of this scope, or attributes of any (`self.x` and `x.x` alike, by the last part)."""
    known = set()
    for node in ast.walk(scope) if attributes else _own_nodes(scope):
        for target, is_set in _bindings(node):
            in_class = isinstance(target, ast.Name) and attributes
            if is_set and (isinstance(target, ast.Attribute) == attributes or in_class):
                name = ast.unparse(target).rpartition(".")[2]
                known.add(f".{name}" if attributes else name)
    if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
        for argument in (*scope.args.args, *scope.args.kwonlyargs, *scope.args.posonlyargs):
            if _is_set_type(argument.annotation):
                known.add(argument.arg)
    return frozenset(known)


def _bindings(node: ast.AST) -> Iterator[tuple[ast.expr, bool]]:
    if isinstance(node, ast.AnnAssign):
        yield node.target, _is_set_type(node.annotation)
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            yield target, _is_set(node.value, frozenset())
    elif isinstance(node, ast.NamedExpr):
        yield node.target, _is_set(node.value, frozenset())


def _is_set_type(annotation: ast.expr | None) -> bool:
    if isinstance(annotation, ast.Subscript):
        annotation = annotation.value
    if isinstance(annotation, ast.BinOp):  # set[int] | None
        return _is_set_type(annotation.left) or _is_set_type(annotation.right)
    return annotation is not None and ast.unparse(annotation).rpartition(".")[2] in _TYPES


def _is_set(node: ast.expr, known: frozenset[str]) -> bool:
    match node:
        case ast.Set() | ast.SetComp():
            return True
        case ast.Name(id=name):
            return name in known
        case ast.Attribute(attr=name):
            return f".{name}" in known
        case ast.Call(func=ast.Name(id=name)):
            return name in _MAKERS
        case ast.Call(func=ast.Attribute(value=value, attr=name)):
            return name in _ALGEBRA and _is_set(value, known)
        case ast.BinOp(left=left, op=ast.BitAnd() | ast.BitOr() | ast.Sub() | ast.BitXor()):
            return any(_is_set(each, known) or _is_view(each) for each in (left, node.right))
        case ast.IfExp(body=body, orelse=orelse):
            return _is_set(body, known) or _is_set(orelse, known)
    return False


def _is_view(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).endswith(_VIEWS)


def _iterated(node: ast.AST) -> Iterator[ast.expr]:
    match node:
        case (
            ast.For(iter=iterated) | ast.comprehension(iter=iterated) | ast.Starred(value=iterated)
        ):
            yield iterated
        case ast.Call(func=ast.Name(id=name), args=arguments) if name in _ITERATORS:
            yield from arguments
        case ast.Call(func=ast.Attribute(attr="join" | "extend" | "fromkeys"), args=arguments):
            yield from arguments
        case ast.Call(func=ast.Attribute(value=value, attr="pop"), args=[]):
            yield value
        case ast.Assign(targets=[ast.Tuple() | ast.List(), *_], value=value):
            yield value
