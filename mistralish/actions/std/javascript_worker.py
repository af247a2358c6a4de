"""The process in which scripts run: it reads requests from standard input and answers on standard output.

It stands alone (nothing of mistralish is imported), and is started by ``javascript.py``. V8 ends its whole process
when some allocations fail, which is why it has one of its own. A message is its length (4 bytes, big-endian) and
JSON. Each script gets a fresh V8, so nothing is left of it for the next one.
"""

import contextlib
import json
import os
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

# The script is the body of a function; what it returns comes out as JSON, and nothing else can. `$` is its context.
# It starts on the first line, so that the line numbers in errors are the script's own.
_WRAPPER = (
    "(function () { const stringify = JSON.stringify; globalThis.$ = JSON.parse(%(context)s);"
    " const result = stringify(function () { %(script)s\n}());"
    " return result === undefined ? 'null' : String(result); })()"
)

# Scripts may use all processors for as long as they are allowed to; the service comes first.
_NICE = 10


def main() -> None:
    """Serve requests until the other side closes."""
    write_no_files()
    os.nice(_NICE)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing that a library prints may end up among the answers
    while (request := read_message(sys.stdin.buffer)) is not None:
        write_message(answers, answer(request))


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Run a script. Returns ``{"result": JSON text}`` or ``{"error": text}``."""
    try:
        import py_mini_racer
    except ImportError as error:
        return {"error": f"the JavaScript engine cannot be loaded: {error}"}
    code = _WRAPPER % {
        "context": json.dumps(json.dumps(request["context"])),
        "script": request["script"],
    }
    try:
        with (
            contextlib.closing(py_mini_racer.MiniRacer()) as engine,
            memory_bound(2 * request["max_memory_bytes"]),
        ):
            limits = {"timeout_sec": request["max_seconds"], "max_memory": request["max_memory_bytes"]}
            result = str(engine.eval(code, **limits))
    except py_mini_racer.JSTimeoutException:
        return {"error": f"the script ran longer than {request['max_seconds']} seconds"}
    except py_mini_racer.JSOOMException:
        return {"error": f"the script used more than {request['max_memory_bytes']} bytes of memory"}
    except py_mini_racer.JSEvalException as error:
        return {"error": _first_line(str(error))}
    if len(result) > request["max_result_bytes"]:
        return {"error": f"the script's result is larger than {request['max_result_bytes']} bytes"}
    return {"result": result}


def _first_line(message: str) -> str:
    """Keep what and where, and not the lines after it: they quote the source, with the context in it."""
    first = message.strip().partition("\n")[0]
    return first.replace("<anonymous>:", "line ", 1)[:2000]


def write_no_files() -> None:
    """Leave no trace of a script's data on disk, not even where V8 crashes; where the system can see to it."""
    with contextlib.suppress(ImportError):
        import resource

        for limit in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE):
            resource.setrlimit(limit, (0, 0))


@contextlib.contextmanager
def memory_bound(more_bytes: int) -> Iterator[None]:
    """Let the process take this much more memory meanwhile: V8's own limit leaves out typed arrays.

    Only on Linux, where the system tells and bounds it.
    """
    used = _data_bytes()
    if used is None:
        yield
        return
    import resource

    before = resource.getrlimit(resource.RLIMIT_DATA)
    bound = used + more_bytes
    if before[1] != resource.RLIM_INFINITY:
        bound = min(bound, before[1])
    resource.setrlimit(resource.RLIMIT_DATA, (bound, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _data_bytes() -> int | None:
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    sizes = [line.split()[1] for line in status.splitlines() if line.startswith("VmData:")]
    return int(sizes[0]) * 1024 if sizes else None


def read_message(stream: BinaryIO) -> Any:
    """Read one message; None at the end of the stream."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    return json.loads(stream.read(struct.unpack(">I", head)[0]))


def write_message(stream: BinaryIO, message: Any) -> None:
    """Write one message."""
    data = json.dumps(message).encode()
    stream.write(struct.pack(">I", len(data)) + data)
    stream.flush()


if __name__ == "__main__":
    main()
