"""Which Jinja2 texts the service may evaluate itself: those that cannot take long, whatever the data is.

They read, compare and print values; they have no loops, no macros and no arithmetic beyond sums, and call nothing
that could make something large out of something small. All others are for the ``sandbox``.
"""

from typing import Any

from jinja2 import nodes

_MOST_NODES = 100
_MOST_READS = 8

_ALLOWED = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Getattr, nodes.Getitem, nodes.Compare, nodes.Operand),
    *(nodes.And, nodes.Or, nodes.Not, nodes.CondExpr, nodes.If, nodes.Add, nodes.Sub, nodes.Concat, nodes.Neg),
    *(nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair),
)
_VARIABLES = frozenset(("_", "__env", "__execution", "__task_execution"))
_FUNCTIONS = frozenset(("task", "env", "execution", "global", "uuid"))
_TESTS = frozenset(
    (
        *("defined", "undefined", "none", "boolean", "true", "false", "integer", "float", "number", "string"),
        *("mapping", "sequence", "iterable", "in", "eq", "ne", "equalto", "even", "odd"),
    )
)
_FILTERS = frozenset(("default", "d", "length", "count", "int", "float", "string", "lower", "upper", "trim", "first"))


def is_simple(tree: nodes.Template) -> bool:
    """Whether a parsed text is one of those."""
    todo: list[nodes.Node] = [tree]
    seen = reads = 0
    while todo:
        node = todo.pop()
        seen += 1
        reads += isinstance(node, nodes.Name | nodes.Call)
        if seen > _MOST_NODES or reads > _MOST_READS or not _is_allowed(node):
            return False
        todo.extend(_parts(node))
    return True


def _is_allowed(node: nodes.Node) -> bool:
    match node:
        case nodes.Const(value=value):
            return type(value) in (str, int, float, bool, type(None))
        case nodes.Name(name=name, ctx=use):
            return name in _VARIABLES and use == "load"
        case nodes.Getattr(attr=attribute):
            return not attribute.startswith("_")
        case nodes.Test(name=name):
            return name in _TESTS and _is_plain_call(node)
        case nodes.Filter(node=filtered, name=name):
            return filtered is not None and name in _FILTERS and _is_plain_call(node)
        case nodes.Call():
            return _is_plain_call(node) and len(node.args) <= 2 and _is_known(node.node)
    return type(node) in _ALLOWED


def _is_plain_call(node: Any) -> bool:
    return not (node.kwargs or node.dyn_args or node.dyn_kwargs)


def _is_known(function: nodes.Expr) -> bool:
    """Whether it is ``task`` and the like, or the method ``get`` of a dictionary."""
    if isinstance(function, nodes.Name):
        return function.name in _FUNCTIONS
    return isinstance(function, nodes.Getattr) and function.attr == "get"


def _parts(node: nodes.Node) -> list[nodes.Node]:
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name):
        return list(node.args)
    return list(node.iter_child_nodes())
