"""The processes that evaluate. ``python -m mistralish.expressions.sandbox.worker FD NAMES`` is their parent.

It loads both languages once and forks a process for each connection that arrives on the socket ``FD``; ``NAMES`` are
the plug-in functions, as JSON. A process that evaluates can open no file and no connection, and the kernel ends it
when an evaluation has used up its time: so it needs no care what an expression does, in Python or in C.
"""

import codecs
import contextlib
import encodings
import gc
import importlib
import json
import os
import pkgutil
import resource
import signal
import socket
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mistralish.expressions import jinja_language, yaql_language
from mistralish.expressions.errors import GrammarError, explain
from mistralish.expressions.limits import CACHED_LENGTH, MAX_SIZE, PROCESS_MEMORY
from mistralish.expressions.sandbox.remote import RemoteScope, Service, Variables, plug_in
from mistralish.expressions.text import whole_jinja
from mistralish.expressions.values import Meter, plain

_KEPT = 1_000
_MEMORY_KEPT = PROCESS_MEMORY // 8
_USED_LATER = ("_strptime", "html", "jinja2.constants", "jinja2.debug", "pprint", "textwrap", "unicodedata")
_NOT_HERE = ("encodings.mbcs", "encodings.oem")  # of another operating system


class Evaluator:
    """Evaluates what the service sends, until nothing more comes."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._memory = _peak_memory()
        self._compiled: OrderedDict[tuple[str, str], Callable[..., Any]] = OrderedDict()

    def run(self) -> None:
        """Answer requests until the service closes the connection, or memory may be missing."""
        while True:
            task, language, text, seconds, *rest = self._service.next_request()
            self._service.started = time.process_time()
            signal.setitimer(signal.ITIMER_PROF, seconds)
            self._answer(task, language, text, rest)
            signal.setitimer(signal.ITIMER_PROF, 0)
            if not self._is_fit():
                return

    def _answer(self, task: str, language: str, text: str, rest: list[Any]) -> None:
        try:
            if task == "check":
                (jinja_language if language == jinja_language.LANGUAGE else yaql_language).parse(text)
                self._end("done", None)
            else:
                self._end("done", self._evaluate(language, text, *rest))
        except GrammarError as e:
            self._end("failed", e.reason, e.line)
        except MemoryError:
            self._end("failed", "it needs more memory than an expression may use", None)
        except Exception as e:
            self._end("failed", explain(e, text), None)

    def _end(self, kind: str, *rest: Any) -> None:
        self._service.tell(kind, self._is_fit(), *rest)

    def _is_fit(self) -> bool:
        """Whether there is as much memory for the next evaluation as there was for this one."""
        return _peak_memory() - self._memory < _MEMORY_KEPT

    def _evaluate(self, language: str, text: str, printed: bool, has_scope: bool, names: Any, data: Any) -> Any:
        context = data if names is None else Variables(self._service, names, data)
        scope = RemoteScope(self._service) if has_scope else None
        evaluate = self._compile(language, text)
        value = evaluate(context, scope) if language == jinja_language.LANGUAGE else evaluate(context, scope, printed)
        result = plain(value)
        Meter(MAX_SIZE).take(result)
        return result

    def _compile(self, language: str, text: str) -> Callable[..., Any]:
        key = (language, text)
        if key in self._compiled:
            self._compiled.move_to_end(key)
            return self._compiled[key]
        compiled: Callable[..., Any]
        if language == jinja_language.LANGUAGE:
            compiled = jinja_language.compile_jinja(text, whole_jinja(text))
        else:
            compiled = yaql_language.compile_yaql(text)
        if len(text) <= CACHED_LENGTH:
            self._compiled[key] = compiled
            if len(self._compiled) > _KEPT:
                self._compiled.popitem(last=False)
        return compiled


def main(descriptor: int, plug_ins: list[str]) -> None:
    """Fork a process for each connection that comes, until the service ends."""
    control = socket.socket(fileno=descriptor)
    holder: list[Service] = []
    _load(plug_ins, holder)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the processes: the kernel clears them away
    with contextlib.suppress(OSError):  # the service has ended
        control.send(b"+")
        _fork_on_demand(control, holder)


def _fork_on_demand(control: socket.socket, holder: list[Service]) -> None:
    while True:
        said, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not said:
            return
        if os.fork() == 0:
            control.close()
            _lock_in()
            holder.append(Service(socket.socket(fileno=descriptors[0])))
            _serve(holder[0])
        os.close(descriptors[0])


def _load(plug_ins: list[str], holder: list[Service]) -> None:
    """Have everything in memory that an evaluation may need: it can open no file."""
    stubs = {name: plug_in(name, lambda *question: holder[0].ask(*question), _is_context) for name in plug_ins}
    for language in (yaql_language, jinja_language):
        language.add_functions(stubs)
    all_codecs = (f"encodings.{module.name}" for module in pkgutil.iter_modules(encodings.__path__))
    for name in (*_USED_LATER, *all_codecs):
        if name not in _NOT_HERE:
            importlib.import_module(name)
            if name.startswith("encodings."):
                _note_codec(name)
    yaql_language.compile_yaql("$.a.b + len($.c)")({"a": {"b": 1}, "c": []}, None, False)
    jinja_language.compile_jinja("{{ _.a | upper }}", None)({"a": "b"}, None)
    gc.collect()
    gc.freeze()


def _note_codec(module: str) -> None:
    with contextlib.suppress(LookupError):  # a module that is no codec
        codecs.lookup(module.removeprefix("encodings."))


def _is_context(value: Any) -> bool:
    return isinstance(value, yaql_language.Context | jinja_language.Context)


def _peak_memory() -> int:
    """Return the most bytes that this process has taken so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1024 if sys.platform == "linux" else 1)


def _lock_in() -> None:
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + PROCESS_MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())  # a warning could tell data
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _serve(service: Service) -> None:
    """Evaluate, then end this process without anything of its parent's being run."""
    try:
        Evaluator(service).run()
    except BaseException:
        os._exit(1)  # the service is gone, or sees by the closed connection that something went wrong
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), json.loads(sys.argv[2]))
