"""The common forms of YAQL as Python closures, made from the library's own syntax tree.

A closure answers only where it is certain to answer as the library would: for the types that JSON has, and for
operands whose meaning is plain. Everything else (a missing key, an unlike pair of operands, a form that is not
here) is left to the library, which then also words the error. A property test compares both.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from yaql.language import expressions as tree

from mistralish.expressions.functions import STANDARD
from mistralish.expressions.limits import MAX_SIZE
from mistralish.expressions.scope import Scope
from mistralish.expressions.values import SCALARS, Meter

# What is larger goes to the library, which is where it can be cut off.
LONGEST_TEXT = 100_000  # characters of a text that is computed
LARGEST_NUMBER = 2**256
MOST_ITEMS = 10_000  # of a list that is gone through
MOST_LOOPS = 5
FEW_READS = 8


class NotFast(Exception):  # noqa: N818 - not an error: the library takes over
    """This form, or this operand, is the library's to evaluate."""


class Call:
    """What a function is called with: the context by name, and the scope."""

    __slots__ = ("data", "scope")

    def __init__(self, data: Any, scope: Scope | None) -> None:
        self.data = data
        self.scope = scope

    def __getitem__(self, name: str) -> Any:
        return self.data.get(name) if isinstance(self.data, Mapping) else None


Closure = Callable[[Any, Call], Any]
"""Takes what ``$`` stands for and the call; returns the value. Raises anything where the library must decide."""


class Lazily(list[Any]):
    """What the library would compute as an iterator: it has no index, no truth and no equality."""


def compile_fast(node: Any) -> Closure | None:
    """Return the closure for a parsed expression, or None where the library must evaluate it."""
    try:
        shape = _Shape()
        shape.look_at(node, in_loop=False)
        closure = _compile(node)
    except (NotFast, RecursionError):
        return None
    return _metered(closure) if shape.may_multiply else closure


class _Shape:
    """Tells from an expression's form whether it is quick for sure."""

    def __init__(self) -> None:
        self._builds = False
        self._reads = 0
        self._loops = 0

    @property
    def may_multiply(self) -> bool:
        """Whether the result may hold the same data so often that it is much larger than what was read."""
        return self._builds and (self._reads > FEW_READS or self._loops > 1)

    def look_at(self, node: Any, in_loop: bool) -> None:
        """Look at a part of the expression; raises NotFast where it may take long."""
        if isinstance(node, tree.MappingRuleExpression):
            parts = [node.source, node.destination]
        elif isinstance(node, tree.Wrap):
            parts = [node.expr]
        else:
            parts = list(getattr(node, "args", ()))
        self._builds = self._builds or isinstance(node, tree.ListExpression | tree.MapExpression)
        self._reads += isinstance(node, tree.GetContextValue)
        if isinstance(node, tree.Function):
            in_loop = self._enter(node.name, in_loop)
        for part in parts:
            self.look_at(part, in_loop)

    def _enter(self, name: str, in_loop: bool) -> bool:
        self._builds = self._builds or name == "dict"
        if name in _WORKFLOW_FUNCTIONS:
            self._reads += 1
            if in_loop:
                raise NotFast
        if name not in ("select", "where", "range"):
            return in_loop
        self._loops += 1
        if in_loop or self._loops > MOST_LOOPS:
            raise NotFast
        return True if name != "range" else in_loop


def _metered(closure: Closure) -> Closure:
    def evaluate(dollar: Any, call: Call) -> Any:
        value = closure(dollar, call)
        Meter(MAX_SIZE).take(value)
        return value

    return evaluate


def _compile(node: Any) -> Closure:
    make = _FORMS.get(type(node))
    if make is None:
        raise NotFast
    return make(node)


def _compile_all(nodes: Any) -> list[Closure]:
    return [_compile(node) for node in nodes]


def _constant(node: Any) -> Closure:
    value = node.value
    return lambda dollar, call: value


def _context_value(node: Any) -> Closure:
    name = node.path.value
    if name == "$":
        return lambda dollar, call: dollar
    if name in ("$__env", "$__execution", "$__task_execution"):
        key = name[1:]
        return lambda dollar, call: call[key]
    raise NotFast


def path_closure(names: list[str]) -> Closure:
    """Return the closure for ``$``, or ``$.a.b`` where ``names`` are ``a`` and ``b``."""

    def dollar_itself(dollar: Any, call: Call) -> Any:
        return dollar

    closure: Closure = dollar_itself
    for name in names:
        closure = _key_access(closure, name)
    return closure


def _is_mapping(value: Any) -> bool:
    return type(value) is dict or isinstance(value, Mapping)


def _key_access(receiver: Closure, key: str) -> Closure:
    def evaluate(dollar: Any, call: Call) -> Any:
        value = receiver(dollar, call)
        if type(value) is dict or isinstance(value, Mapping):
            return value[key]
        if type(value) is list:
            return Lazily([_entry(item, key) for item in value])
        raise NotFast

    return evaluate


def _entry(item: Any, key: str) -> Any:
    if type(item) is not dict:
        raise NotFast
    return item[key]


def _indexer(node: Any) -> Closure:
    parts = _compile_all(node.args)
    if len(parts) != 2:
        raise NotFast
    collection, index = parts

    def evaluate(dollar: Any, call: Call) -> Any:
        value, key = collection(dollar, call), index(dollar, call)
        if type(value) is list:
            if type(key) is int:
                return value[key]
        elif _is_mapping(value) and type(key) in SCALARS:
            return value[key]
        raise NotFast

    return evaluate


def _arithmetic(apply: Callable[[Any, Any], Any], text_too: bool = False) -> Callable[[Closure, Closure], Closure]:
    def make(left: Closure, right: Closure) -> Closure:
        def evaluate(dollar: Any, call: Call) -> Any:
            a, b = left(dollar, call), right(dollar, call)
            kinds = type(a), type(b)
            if kinds in _NUMBERS and -LARGEST_NUMBER < a < LARGEST_NUMBER and -LARGEST_NUMBER < b < LARGEST_NUMBER:
                return apply(a, b)
            if text_too and kinds == _TEXTS and len(a) + len(b) < LONGEST_TEXT:
                return apply(a, b)
            raise NotFast

        return evaluate

    return make


_NUMBERS = frozenset(((int, int), (int, float), (float, int), (float, float)))
_TEXTS = (str, str)


def _divide(a: Any, b: Any) -> Any:
    return a // b if type(a) is int and type(b) is int else a / b


def _equality(apply: Callable[[Any, Any], Any]) -> Callable[[Closure, Closure], Closure]:
    def make(left: Closure, right: Closure) -> Closure:
        def evaluate(dollar: Any, call: Call) -> Any:
            a, b = left(dollar, call), right(dollar, call)
            if type(a) in SCALARS and type(b) in SCALARS:
                return apply(a, b)
            raise NotFast

        return evaluate

    return make


def _truth(value: Any) -> Any:
    if type(value) is Lazily:
        raise NotFast
    return value


def _and(left: Closure, right: Closure) -> Closure:
    return lambda dollar, call: _truth(left(dollar, call)) and right(dollar, call)


def _or(left: Closure, right: Closure) -> Closure:
    return lambda dollar, call: _truth(left(dollar, call)) or right(dollar, call)


def _in(left: Closure, right: Closure) -> Closure:
    def evaluate(dollar: Any, call: Call) -> Any:
        a, b = left(dollar, call), right(dollar, call)
        if (type(a) in SCALARS and type(b) is list) or (type(a) is str and type(b) is str):
            return a in b
        raise NotFast

    return evaluate


def _binary(node: Any) -> Closure:
    left, right = node.args
    if node.operator == ".":
        return _dot(left, right)
    make = _BINARY.get(node.name)
    if make is None:
        raise NotFast
    return make(_compile(left), _compile(right))


def _dot(left: Any, right: Any) -> Closure:
    if type(right) is tree.KeywordConstant:
        return _key_access(_compile(left), right.value)
    if type(right) is tree.Function and right.name in _METHODS:
        if right.name in ("select", "where") and _builds(left):
            raise NotFast  # an iterator within a list that it walks could be used up, which Lazily never is
        return _METHODS[right.name](_compile(left), right.args)
    raise NotFast


def _builds(node: Any) -> bool:
    """Whether a list or dictionary is built somewhere in the expression."""
    if isinstance(node, tree.ListExpression | tree.MapExpression) or getattr(node, "name", "") == "dict":
        return True
    if isinstance(node, tree.Wrap):
        return _builds(node.expr)
    return any(_builds(part) for part in getattr(node, "args", ()))


_SIGNS: dict[str, Callable[[Any], Any]] = {"-": operator.neg, "+": operator.pos}


def _unary(node: Any) -> Closure:
    operand = _compile(node.args[0])
    if node.operator == "not":
        return lambda dollar, call: not _truth(operand(dollar, call))
    apply = _SIGNS.get(node.operator)
    if apply is None:
        raise NotFast

    def evaluate(dollar: Any, call: Call) -> Any:
        value = operand(dollar, call)
        if type(value) is int or type(value) is float:
            return apply(value)
        raise NotFast

    return evaluate


def _list(node: Any) -> Closure:
    items = _compile_all(node.args)
    return lambda dollar, call: [item(dollar, call) for item in items]


def _map(node: Any) -> Closure:
    pairs = []
    for rule in node.args:
        if type(rule) is not tree.MappingRuleExpression:
            raise NotFast
        pairs.append((_compile(rule.source), _compile(rule.destination)))

    def evaluate(dollar: Any, call: Call) -> Any:
        result = {}
        for source, destination in pairs:
            key = source(dollar, call)
            if type(key) not in SCALARS:
                raise NotFast
            result[key] = destination(dollar, call)
        return result

    return evaluate


def _function(node: Any) -> Closure:
    if node.name == "dict" and node.args:
        return _map(node)
    if node.name == "range":
        return _range(_compile_all(node.args))
    converter = _CONVERTERS.get(node.name)
    if converter is not None and len(node.args) == 1:
        argument = _compile(node.args[0])
        return lambda dollar, call: converter(argument(dollar, call))
    arity = _WORKFLOW_FUNCTIONS.get(node.name)
    if arity is None or len(node.args) not in arity:
        raise NotFast
    function, arguments = STANDARD[node.name], _compile_all(node.args)
    if not arguments:
        return lambda dollar, call: function(call)
    return lambda dollar, call: function(call, _scalar(arguments[0](dollar, call)))


def _range(bounds: list[Closure]) -> Closure:
    if not 1 <= len(bounds) <= 3:
        raise NotFast

    def evaluate(dollar: Any, call: Call) -> Any:
        given = [bound(dollar, call) for bound in bounds]
        if any(type(each) is not int for each in given):
            raise NotFast
        numbers = range(*given)
        if len(numbers) > MOST_ITEMS:
            raise NotFast
        return Lazily(numbers)

    return evaluate


_WORKFLOW_FUNCTIONS = {"task": (0, 1), "env": (0,), "execution": (0,), "global": (1,), "uuid": (0,)}


def _scalar(value: Any) -> Any:
    if type(value) not in SCALARS:
        raise NotFast
    return value


def _to_text(value: Any) -> str:
    if value is None or type(value) is bool:
        return {None: "null", True: "true", False: "false"}[value]
    return str(_scalar(value))


def _length(value: Any) -> int:
    if type(value) in (list, str, Lazily) or _is_mapping(value):
        return len(value)
    raise NotFast


def _to_int(value: Any) -> int:
    return 0 if value is None else int(_scalar(value))


def _to_float(value: Any) -> float:
    return 0.0 if value is None else float(_scalar(value))


def _to_bool(value: Any) -> bool:
    return bool(_truth(value))


def _items(value: Any) -> list[Any]:
    if type(value) not in (list, Lazily) or len(value) > MOST_ITEMS:
        raise NotFast
    result: list[Any] = value
    return result


def _unary_method(apply: Callable[[Any], Any]) -> Callable[[Closure, Any], Closure]:
    def make(receiver: Closure, args: Any) -> Closure:
        if args:
            raise NotFast
        return lambda dollar, call: apply(receiver(dollar, call))

    return make


def _get(receiver: Closure, args: Any) -> Closure:
    arguments = _compile_all(args)
    if len(arguments) not in (1, 2):
        raise NotFast

    def evaluate(dollar: Any, call: Call) -> Any:
        value, given = receiver(dollar, call), [argument(dollar, call) for argument in arguments]
        if _is_mapping(value) and type(given[0]) in SCALARS:
            return value.get(*given)
        raise NotFast

    return evaluate


def _where(receiver: Closure, args: Any) -> Closure:
    predicate = _lambda(args)

    def evaluate(dollar: Any, call: Call) -> Any:
        return Lazily([item for item in _walked(receiver(dollar, call)) if _truth(predicate(item, call))])

    return evaluate


def _select(receiver: Closure, args: Any) -> Closure:
    selector = _lambda(args)

    def evaluate(dollar: Any, call: Call) -> Any:
        return Lazily([selector(item, call) for item in _walked(receiver(dollar, call))])

    return evaluate


def _walked(value: Any) -> list[Any]:
    items = _items(value)
    if Lazily in set(map(type, items)):
        raise NotFast
    return items


def _lambda(args: Any) -> Closure:
    if len(args) != 1:
        raise NotFast
    return _compile(args[0])


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "str": _to_text,
    "int": _to_int,
    "float": _to_float,
    "bool": _to_bool,
    "len": _length,
}

_METHODS: dict[str, Callable[[Closure, Any], Closure]] = {
    "len": _unary_method(_length),
    "first": _unary_method(lambda value: _items(value)[0]),
    "last": _unary_method(lambda value: _items(value)[-1]),
    "toList": _unary_method(lambda value: list(_items(value))),
    "get": _get,
    "where": _where,
    "select": _select,
}

_BINARY: dict[str, Callable[[Closure, Closure], Closure]] = {
    "#operator_+": _arithmetic(operator.add, text_too=True),
    "#operator_-": _arithmetic(operator.sub),
    "#operator_*": _arithmetic(operator.mul),
    "#operator_/": _arithmetic(_divide),
    "#operator_mod": _arithmetic(operator.mod),
    "#operator_<": _arithmetic(operator.lt, text_too=True),
    "#operator_<=": _arithmetic(operator.le, text_too=True),
    "#operator_>": _arithmetic(operator.gt, text_too=True),
    "#operator_>=": _arithmetic(operator.ge, text_too=True),
    "*equal": _equality(operator.eq),
    "*not_equal": _equality(operator.ne),
    "#operator_and": _and,
    "#operator_or": _or,
    "#operator_in": _in,
}

_FORMS: dict[type, Callable[[Any], Closure]] = {
    tree.Constant: _constant,
    tree.KeywordConstant: _constant,
    tree.GetContextValue: _context_value,
    tree.BinaryOperator: _binary,
    tree.UnaryOperator: _unary,
    tree.IndexExpression: _indexer,
    tree.ListExpression: _list,
    tree.MapExpression: _map,
    tree.Function: _function,
    tree.Wrap: lambda node: _compile(node.expr),
}
