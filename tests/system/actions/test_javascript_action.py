"""std.javascript runs scripts in real V8 processes, and survives what they do."""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from peers import wait_for

from mistralish.actions import ActionSettings, Registry
from mistralish.actions.settings import JavaScriptSettings
from mistralish.actions.std.javascript import WorkerPool
from mistralish.executors import ActionCall, run_now

pytest.importorskip("py_mini_racer", reason="mini-racer is not installed")

LIMITS = JavaScriptSettings(max_seconds=1, max_memory_bytes=32 * 1024 * 1024, max_result_bytes=100_000)


@pytest.fixture(scope="module")
def registry():
    return Registry(ActionSettings(javascript=LIMITS), find_entry_points=list)


def js(registry, script, context=None, name="std.javascript"):
    return run_now(registry, ActionCall("a1", name, {"script": script, "context": context}))


@pytest.mark.parametrize("name", ["std.js", "std.javascript"])
def test_a_script_computes_with_its_context(registry, name):
    assert js(registry, "return $.a.map(x => x * 2)", {"a": [1, 2]}, name).data == [2, 4]


@pytest.mark.parametrize(
    ("script", "result"),
    [
        ("", None),
        ("1 + 1", None),
        ("return undefined", None),
        ("return function () {}", None),
        ("return NaN", None),
        ("return {a: [1, 2.5, null, true, undefined], b: new Date(0)}",
         {"a": [1, 2.5, None, True, None], "b": "1970-01-01T00:00:00.000Z"}),
        ("return 'é\\u{1F600}'", "é😀"),
        ("return '\\ud800'", "\ufffd"),
        ("var x = 1; x += 1 // a comment\nreturn x", 2),
        ("return 2 // a comment at the end", 2),
    ],
)  # fmt: skip
def test_results_come_as_json_has_them(registry, script, result):
    outcome = js(registry, script)
    assert (outcome.error, outcome.data) == (None, result)


def test_the_context_comes_unchanged_whatever_is_in_it(registry):
    context = {"__proto__": {"x": 1}, "quote": "\"'\\\u2028</script>\n%s %(context)s", "list": [None, 1.5, {"é": "✓"}]}
    assert js(registry, "return [Object.keys($), $]", context).data == [list(context), context]


def test_an_error_says_what_and_where_and_not_what_the_context_holds(registry):
    error = js(registry, "\n\nthrow new Error('boo')", {"password": "hunter2"}).error
    assert "msg='JavaScriptAction failed: line 3: Error: boo']" in error
    assert "JavaScriptAction failed: line 2: SyntaxError" in js(registry, "var a;\nvar b c;").error


@pytest.mark.parametrize(
    "script",
    [
        "return new Promise(() => {})",
        "(function f() { Promise.resolve().then(f) })(); return 1",
        "(async () => { while (true) await null })(); return 1",
        "setTimeout(() => { while (true); }, 0); return 1",
        "Atomics.waitAsync(new Int32Array(new SharedArrayBuffer(8)), 0, 0); return 1",
    ],
)
def test_what_a_script_leaves_for_later_never_happens(registry, script):
    start = time.monotonic()
    js(registry, script)
    assert js(registry, "return 1").data == 1
    assert time.monotonic() - start < 10


@pytest.mark.parametrize(
    "script",
    [
        "while (true);",
        "return /(a+)+$/.test('a'.repeat(60) + 'b')",
        "return Array(1e9).fill(1).length",
        "const a = []; while (true) a.push('x'.repeat(1000) + a.length)",
        "const a = []; while (true) a.push(new Uint8Array(1e7).fill(1))",
        "return 'a'.repeat(2 ** 28).split('').length",
        "(function f() { f() })()",
        "return 'x'.repeat(200000)",
        "return 1n",
        "const a = {}; a.a = a; return a",
        "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return a",
        "while (true) Atomics.wait(new Int32Array(new SharedArrayBuffer(8)), 0, 0)",
        "const a = []; while (true) a.push(new Uint8Array(new SharedArrayBuffer(1e7)).fill(1))",
        "const a = []; while (true) a.push(new Uint8Array(new WebAssembly.Memory({initial: 1000}).buffer).fill(1))",
        "const b = new ArrayBuffer(1, {maxByteLength: 1e10}); b.resize(1e9); return 1",
        "let s = 'x'; while (true) s += s",
        "let x = 2n; while (true) x = x * x",
        "throw new Error('x'.repeat(1e8))",
        "throw {toString() { while (true); }}",
        "return {toJSON() { while (true); }}",
        "return new Proxy([], {get() { while (true); }})",
        "while (true) try { while (true); } catch (e) {} finally {}",
        "(function f() { try { f() } finally { f() } })()",
        "const a = []; while (true) a.push(new Intl.DateTimeFormat('ar'))",
        "return new Worker('x')",
        "}()); })(); (function () { const result = '[1'; (function () {",
    ],
)
def test_a_hostile_script_fails_and_the_next_one_runs(registry, script):
    assert "JavaScriptAction failed: " in js(registry, script).error
    assert js(registry, "return 1").data == 1


def test_nothing_is_left_of_a_script_for_the_next_one(registry):
    js(registry, "globalThis.left = 1; Array.prototype.left = 1; JSON.stringify = () => 'fooled'")
    assert js(registry, "return [typeof left, [].left === undefined]").data == ["undefined", True]


def test_a_script_finds_no_files_no_network_and_no_process(registry):
    names = ["require", "process", "fetch", "XMLHttpRequest", "Deno", "import.meta"]
    script = f"return {json.dumps(names[:-1])}.filter(name => typeof globalThis[name] !== 'undefined')"
    assert js(registry, script).data == []
    assert js(registry, "return import('fs')").data in ({}, None)


def test_a_script_s_process_has_nothing_of_the_service_s_and_writes_no_files(monkeypatch):
    monkeypatch.setenv("MISTRALISH_DATABASE_URL", "postgresql://u:hunter2@h/d")
    monkeypatch.setenv("OS_PASSWORD", "hunter2")
    pool = WorkerPool(LIMITS)
    try:
        pool.run("return 1", None)
        process = Path(f"/proc/{pool._idle[0]._process.pid}")
        assert b"hunter2" not in (process / "environ").read_bytes()
        limits = [line.split() for line in (process / "limits").read_text().splitlines()]
        assert {line[2]: line[4] for line in limits if line[1:3] in (["core", "file"], ["file", "size"])} == {
            "file": "0",
            "size": "0",
        }
        opened = {str(file.readlink()).partition(":")[0] for file in (process / "fd").iterdir()}
        assert opened <= {"pipe", "/dev/null", "anon_inode", "socket"}
    finally:
        pool.close()


def test_a_script_s_process_ends_soon_after_a_service_that_was_killed():
    code = (
        "import threading\n"
        "from mistralish.actions.settings import JavaScriptSettings\n"
        "from mistralish.actions.std.javascript import WorkerPool\n"
        "pool = WorkerPool(JavaScriptSettings(max_seconds=1))\n"
        "pool.run('return 1', None)\n"
        "print(pool._idle[0]._process.pid, flush=True)\n"
        "pool.run('while (true);', None)\n"
        "threading.Event().wait()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as service:
        worker = Path(f"/proc/{service.stdout.readline().strip()}")
        assert worker.exists()
        service.kill()
    wait_for(lambda: not worker.exists(), 10, "the end of the script's process")


def test_an_idle_process_is_ended_and_the_next_script_gets_a_new_one():
    pool = WorkerPool(LIMITS, idle_seconds=0.3)
    try:
        assert pool.run("return 1", None) == 1
        [worker] = pool._idle
        wait_for(lambda: not worker.alive, 10, "the end of the idle process")
        assert pool.run("return 2", None) == 2
    finally:
        pool.close()


def test_scripts_run_side_by_side(registry):
    results = {}

    def work(number):
        results[number] = js(registry, "let s = 0; for (let i = 0; i < 1e5; i++) s += $; return s", number).data

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: number * 100_000 for number in range(4)}
