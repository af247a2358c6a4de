"""What grows with what: counted, not timed; and the one measured speed that is promised."""

import sys
import time

from unit.engine.simulated import WAIT, Simulation, ok

from mistralish.engine.run import TaskRun


def chain(length: int, task: str = "action: std.noop") -> str:
    line = "".join(f"    t{i}: {{{task}, on-success: t{i + 1}}}\n" for i in range(length - 1))
    return f"version: '2.0'\nmain:\n  tasks:\n{line}    t{length - 1}: {{action: std.noop}}\n"


def fan(width: int) -> str:
    names = ", ".join(f"b{i}" for i in range(width))
    branches = "".join(f"    b{i}: {{publish: {{x{i}: {i}}}, on-success: j}}\n" for i in range(width))
    return f"version: '2.0'\nmain:\n  tasks:\n    s: {{on-success: [{names}]}}\n{branches}    j: {{join: all}}\n"


def diamonds(count: int) -> str:
    parts = "".join(
        f"    s{i}: {{on-success: [l{i}, r{i}]}}\n    l{i}: {{on-success: j{i}}}\n    r{i}: {{on-success: j{i}}}\n"
        f"    j{i}: {{join: all, publish: {{n: {i}}}, on-success: s{i + 1}}}\n"
        for i in range(count)
    )
    return f"version: '2.0'\nmain:\n  tasks:\n{parts}    s{count}: {{action: std.async_noop}}\n"


def work_of(sim: Simulation) -> int:
    """How many lines of the engine run while the workflow runs: the same on every machine."""
    lines = 0

    def count(frame, event, arg):
        nonlocal lines
        if "/mistralish/engine/" not in frame.f_code.co_filename:
            return None
        lines += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        sim.start()
    finally:
        sys.settrace(before)
    assert sim.state == "SUCCESS"
    return lines


def test_a_chain_of_5000_tasks_runs_with_one_decision_a_task_and_without_deep_recursion():
    sim = Simulation(chain(5_000, "publish: {x: 1}"), check=False)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(400)
    try:
        sim.start()
    finally:
        sys.setrecursionlimit(limit)
    assert sim.state == "SUCCESS"
    assert sim.decisions == 5_001


def test_the_work_of_a_chain_is_proportional_to_its_length():
    short, long = (work_of(Simulation(chain(n, "publish: {x: 1}"), check=False)) for n in (100, 400))
    assert long < 4.4 * short


def test_the_work_of_a_join_is_proportional_to_its_branches():
    small, large = (work_of(Simulation(fan(n), check=False)) for n in (50, 200))
    assert large < 4.4 * small


def test_a_finished_chain_holds_no_contexts_but_the_last():
    sim = Simulation(chain(200, "publish: {x: 1}"), check=False).start()
    run = sim.run()
    assert sum(_held(task) for task in run.tasks.values()) <= 4


def _held(task: TaskRun) -> int:
    return (task.in_context is not None) + (task.out_context is not None)


def test_a_long_line_of_joins_is_rebuilt_without_deep_recursion():
    sim = Simulation(diamonds(400), check=False, reload="turn").start()
    assert sim.state == "RUNNING"
    sim.finish("s400")
    assert sim.state == "SUCCESS"
    assert sim.output == {"n": 399}


def test_a_result_costs_the_same_with_many_waiting_branches_as_with_few():
    def lines(width: int) -> int:
        names = ", ".join(f"b{i}" for i in range(width))
        branches = "".join(f"    b{i}: {{action: std.async_noop, on-success: j}}\n" for i in range(width))
        text = f"version: '2.0'\nmain:\n  tasks:\n    s: {{on-success: [{names}]}}\n{branches}    j: {{join: all}}\n"
        sim = Simulation(text, check=False, mocks={"std.async_noop": WAIT}).start()
        sim.finish("b0")
        counted = 0

        def count(frame, event, arg):
            nonlocal counted
            if "/mistralish/engine/" not in frame.f_code.co_filename:
                return None
            counted += event == "line"
            return count

        sys.settrace(count)
        try:
            sim.finish("b1", ok(1))
        finally:
            sys.settrace(None)
        return counted

    assert lines(300) <= lines(30) * 1.1


def test_over_a_thousand_decisions_a_second_without_a_database(capsys):
    text = """
    version: '2.0'
    main:
      tasks:
        start: {on-success: [{left: <% true %>}, right]}
        left: {action: std.echo output=<% 1 + 1 %>, publish: {l: <% task().result %>}, on-success: meet}
        right: {with-items: i in <% range(10) %>, action: std.echo output=<% $.i %>, on-success: meet}
        meet: {join: all, action: std.echo, input: {output: <% $.l %>}, publish: {m: <% task().result %>}}
    """
    best = 0.0
    for _ in range(3):
        sims = [Simulation(text, check=False) for _ in range(40)]
        began = time.perf_counter()
        for sim in sims:
            sim.start()
        best = max(best, sum(sim.decisions for sim in sims) / (time.perf_counter() - began))
        assert all(sim.state == "SUCCESS" for sim in sims)
    with capsys.disabled():
        print(f"\n{best:,.0f} decisions a second")
    assert best > 1_000
