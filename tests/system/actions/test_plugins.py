"""Plug-ins: real distributions with entry points, made with mistral-lib and without it."""

import importlib
import subprocess
import sys
import textwrap

import pytest

from mistralish.actions import ActionError, Registry
from mistralish.errors import WorkflowError
from mistralish.executors import ActionCall, run_now

MODULE = '''
class Plain:
    """Says hello.

    In its own way.
    """

    def __init__(self, who, times=1):
        self.who, self.times = who, times

    def run(self, context):
        return [f"hello {self.who}"] * self.times

class Bare:
    def run(self, context):
        return context.execution.action_execution_id

class Anything:
    def __init__(self, **parameters):
        self.parameters = parameters

    def run(self, context):
        self.parameters.setdefault("list", []).append("changed by the action")
        return sorted(self.parameters)

class Choosy:
    def __init__(self, wait=False, password=None):
        if wait == "never":
            raise ValueError("cannot wait never with " + str(password))
        self.wait = wait

    def is_sync(self):
        return not self.wait if self.wait != "perhaps" else 1 / 0

    def run(self, context):
        return "ran"

NOT_AN_ACTION = 5
'''
LIBRARY_MODULE = '''
from mistral_lib import actions
from mistral_lib.actions.context import ActionContext

class Base(actions.Action):
    def __init__(self, value=None):
        super().__init__()
        self.value = value

class Echo(Base):
    """Answers by its value."""

    def run(self, context):
        return self.value

    def test(self, context):
        return "tested"

class Failing(Base):
    def run(self, context):
        return actions.Result(error={"code": self.value})

class Cancelled(Base):
    def run(self, context):
        return actions.Result(cancel=True)

class Context(Base):
    def run(self, context):
        assert isinstance(context, ActionContext)
        e, s = context.execution, context.security
        return [e.workflow_execution_id, e.task_execution_id, e.action_execution_id, e.workflow_name,
                e.callback_url, s.project_id, s.user_name]

class Waiting(Base):
    def is_sync(self):
        return False

    def run(self, context):
        return None

class Raising(Base):
    def run(self, context):
        raise ValueError("it broke")
'''
ENTRY_POINTS = """
[mistral.actions]
mine.plain = {module}:Plain
mine.bare = {module}:Bare
mine.anything = {module}:Anything
mine.choosy = {module}:Choosy
mine.number = {module}:NOT_AN_ACTION
mine.missing = {module}:Missing
mine.no_module = {module}_that_is_not_there:X
mine.exits = {module}_exits:X
std.noop = {module}:Plain
"""
LIBRARY_ENTRY_POINTS = """
[mistral.actions]
lib.echo = {module}:Echo
lib.failing = {module}:Failing
lib.cancelled = {module}:Cancelled
lib.context = {module}:Context
lib.waiting = {module}:Waiting
lib.raising = {module}:Raising
"""


def install(folder, name, module, entry_points):
    """Lay out a distribution as pip would have installed it in ``folder``."""
    (folder / f"{name}.py").write_text(module)
    info = folder / f"{name}-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(entry_points.format(module=name))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("mistralish_test_plugin")]:
        del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def registry(folder):
    install(folder, "mistralish_test_plugin", MODULE, ENTRY_POINTS)
    (folder / "mistralish_test_plugin_exits.py").write_text("import sys\nsys.exit('no')\n")
    importlib.invalidate_caches()
    return Registry()


@pytest.fixture
def library(folder):
    pytest.importorskip("mistral_lib", reason="mistral-lib is not installed")
    install(folder, "mistralish_test_plugin_lib", LIBRARY_MODULE, LIBRARY_ENTRY_POINTS)
    importlib.invalidate_caches()
    return Registry()


def run(registry, name, context=None, **given):
    action = registry.find(name)
    action.check_parameters(given)
    return run_now(registry, ActionCall("a1", name, given, context or {}))


def test_a_plug_in_is_found_described_and_run(registry):
    action = registry.find("mine.plain")
    assert (action.input_text, action.description) == ("who, times=1", "Says hello.\n\nIn its own way.")
    assert run(registry, "mine.plain", who="you", times=2).data == ["hello you", "hello you"]
    assert not action.is_inline({"who": "you"})


def test_its_input_is_checked_against_its_class(registry):
    with pytest.raises(
        Exception, match=r"^Invalid input \[name=mine.plain, class=mistralish_test_plugin.Plain, missing="
    ):
        registry.find("mine.plain").check_parameters({})
    registry.find("mine.anything").check_parameters({"whatever": 1})
    with pytest.raises(Exception, match="unexpected="):
        registry.find("mine.bare").check_parameters({"a": 1})


def test_without_mistral_lib_the_context_has_the_same_shape(registry):
    assert run(registry, "mine.bare").data == "a1"


def test_an_action_that_changes_its_input_does_not_change_the_record(registry):
    given = {"list": []}
    assert run_now(registry, ActionCall("a1", "mine.anything", given)).data == ["list"]
    assert given == {"list": []}


def test_whether_it_waits_may_depend_on_its_input(registry):
    action = registry.find("mine.choosy")
    assert action.is_sync({})
    assert not action.is_sync({"wait": True})


def test_a_class_that_cannot_say_whether_it_waits_is_an_error(registry):
    with pytest.raises(ActionError, match=r"mine.choosy .*ZeroDivisionError"):
        registry.find("mine.choosy").is_sync({"wait": "perhaps"})


def test_a_class_that_does_not_take_its_input_is_an_error_without_its_secrets(registry):
    with pytest.raises(
        Exception, match=r"Failed to instantiate an action .*ValueError: cannot wait never with"
    ) as caught:
        registry.find("mine.choosy").is_sync({"wait": "never", "password": "hunter2"})
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in run(registry, "mine.choosy", wait="never", password="hunter2").error


@pytest.mark.parametrize("name", ["mine.missing", "mine.no_module", "mine.exits", "mine.number"])
def test_a_broken_plug_in_says_so_when_it_is_used_and_stops_nothing_else(registry, name):
    action = registry.find(name)
    with pytest.raises(
        WorkflowError, match=rf"^The plug-in action {name} \(mistralish_test_plugin\S+ of mistralish.test.plugin 1.2\)"
    ):
        action.check_parameters({"a": 1})
    assert f"The plug-in action {name} " in run_now(registry, ActionCall("a1", name)).error
    assert run(registry, "mine.plain", who="you").is_success


def test_the_list_has_every_plug_in_that_works(registry):
    names = [action.name for action in registry.all()]
    assert names == sorted(names)
    assert [name for name in names if name.startswith("mine.")] == [
        "mine.anything",
        "mine.bare",
        "mine.choosy",
        "mine.plain",
    ]


def test_a_plug_in_does_not_take_the_place_of_a_built_in_action(registry):
    assert run(registry, "std.noop").data is None


def test_an_unknown_name_is_none(registry):
    assert registry.find("mine.nothing") is None


def test_nothing_is_imported_before_it_is_used(registry):
    registry.find("std.noop")
    registry.find("mine.nothing")
    assert "mistralish_test_plugin" not in sys.modules


def test_a_mistral_lib_action_works_unchanged(library):
    action = library.find("lib.echo")
    assert (action.input_text, action.description) == ("value=null", "Answers by its value.")
    assert run(library, "lib.echo", value={"a": 1}).data == {"a": 1}


def test_its_results_keep_their_kind(library):
    failing = run(library, "lib.failing", value=7)
    assert (failing.is_error, failing.error) == (True, {"code": 7})
    assert run(library, "lib.cancelled").cancel


def test_it_gets_mistral_lib_s_context(library):
    context = {
        "workflow_execution_id": "w1",
        "task_execution_id": "t1",
        "workflow_name": "wf",
        "security": {"project_id": "p1", "user_name": "u1", "unheard_of": 1},
    }
    assert run(library, "lib.context", context).data == ["w1", "t1", "a1", "wf", "/v2/action_executions/a1", "p1", "u1"]


def test_it_says_whether_it_waits(library):
    assert not library.find("lib.waiting").is_sync({})
    assert library.find("lib.echo").is_sync({})


def test_what_it_raises_is_its_error(library):
    assert run(library, "lib.raising").error == (
        "The action raised an exception [action=lib.raising, action_ex_id=a1, msg='it broke']"
    )


def test_starting_imports_nothing_heavy():
    heavy = ["paramiko", "requests", "py_mini_racer", "mistral_lib", "smtplib"]
    program = f"""
        import sys
        from mistralish.actions import ActionError, Registry
        from mistralish.executors import ActionCall, run_now
        registry = Registry()
        assert run_now(registry, ActionCall("a1", "std.echo", {{"output": 1}})).data == 1
        print([name for name in {heavy!r} if name in sys.modules])
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
