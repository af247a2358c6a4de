"""Ad-hoc actions: another action with its input and its result rewritten by expressions.

Source: the language reference, "Ad-hoc actions".
"""

from collections import ChainMap
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mistralish.actions.base import SystemAction
from mistralish.actions.result import Result
from mistralish.actions.signature import Signature
from mistralish.errors import InputError
from mistralish.expressions import compile_value
from mistralish.lang.specs import REQUIRED, ActionSpec

if TYPE_CHECKING:
    from mistralish.actions.registry import Finder, Registry

_CLASS_NAME = "mistralish.actions.adhoc.AdHocAction"


class AdHocAction:
    """An action defined in the language. It has the face of a SystemAction, but for running: ``expand`` it first.

    ``base`` may be ad-hoc itself; the chain ends with a system action. ``name`` is the definition's, where that is
    another than the one in the text (in a workbook, it has a prefix).
    """

    def __init__(self, spec: ActionSpec, base: "SystemAction | AdHocAction", name: str | None = None) -> None:
        self.spec = spec
        self.name = name or spec.name
        self.description = spec.description or ""
        self.base = base
        self.signature = Signature(spec.input)
        self._base_input = compile_value(spec.base_input)
        self._output = None if spec.output is None else compile_value(spec.output)

    def __str__(self) -> str:
        return self.name

    @property
    def input(self) -> Mapping[str, Any]:
        """The parameters: name → default or REQUIRED."""
        return self.signature.parameters

    @property
    def input_text(self) -> str:
        """The parameters as the API's ``input`` shows them."""
        return self.signature.text()

    @property
    def class_name(self) -> str:
        """What error messages name as the class that does the work."""
        return _CLASS_NAME

    @property
    def system_action(self) -> SystemAction:
        """The action that does the work in the end."""
        return self.base.system_action

    def check_parameters(self, given: Mapping[str, Any]) -> None:
        """Raise InputError unless the action can be called with this input."""
        self.signature.check(given, self.name, self.class_name)

    def with_defaults(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the input with the defaults of what is not given, as it is recorded and as ``$`` has it."""
        defaults = {name: value for name, value in self.spec.input.items() if value is not REQUIRED}
        return {**defaults, **given}

    def expand(self, given: Mapping[str, Any], context: Mapping[str, Any], scope: Any) -> tuple[str, Mapping[str, Any]]:
        """Evaluate what the system action at the end of the chain gets. Returns its name and its input.

        In ``base-input``, ``$`` is the ad-hoc action's own input, and behind it ``context``: what the task can see.
        Raises InputError when the system action does not take the outcome, and EvaluationError.
        """
        visible = ChainMap(self.with_defaults(given), context)  # type: ignore[arg-type]  # it is only read
        base_input = self._base_input.evaluate(visible, scope)
        if not isinstance(base_input, Mapping):
            raise InputError(
                f"Wrong base-input of action {self.name}: it must be a dictionary, not a {type(base_input).__name__}"
            )
        if isinstance(self.base, SystemAction):
            self.base.check_parameters(base_input)
        return self.base.expand(base_input, context, scope)

    def post_process(self, result: Result, context: Mapping[str, Any], scope: Any) -> Result:
        """Apply ``output``, where ``$`` is the result, innermost base first. A failure stays as it is.

        Raises EvaluationError. ``context`` is not seen by ``output``, as in the reference.
        """
        if not result.is_success:
            return result
        result = self.base.post_process(result, context, scope)
        return result if self._output is None else Result(self._output.evaluate(result.data, scope))


Action = SystemAction | AdHocAction


def resolve_action(
    name: str,
    registry: "Registry | Finder",
    load_spec: Callable[[str], ActionSpec | None],
    namespace: str = "",
) -> Action | None:
    """Find an action: a definition (``load_spec``) goes before a system action, as in the reference.

    Returns None where neither is there. Raises InputError for a definition whose chain of bases breaks off or
    comes back to itself. ``namespace`` is for the message alone: ``load_spec`` looks where it should.
    """
    chain: dict[str, ActionSpec] = {}
    wanted = name
    while (spec := load_spec(wanted)) is not None:
        if wanted in chain:
            raise InputError(
                f"Found a cycle in an ad-hoc action chain [action_name={name}, duplicate_action_name={wanted}]"
            )
        chain[wanted] = spec
        wanted = spec.base
    action: Action | None = registry.find(wanted)
    if action is None:
        if not chain:
            return None
        raise InputError(
            f"Failed to find base action [action_name={wanted} namespace={namespace}] for the action"
            f" {[*chain][-1]}: it must be the name of a system action or of an ad-hoc action"
        )
    for own_name, spec in reversed(chain.items()):
        action = AdHocAction(spec, action, own_name)
    return action
