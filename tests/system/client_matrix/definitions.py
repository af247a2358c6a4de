"""Scenarios of the commands about definitions: workflows, workbooks, actions, environments, uploaded code."""

import json

from rest import unique

from client_matrix.shell import Scenario, Shell

WORKFLOW = "version: '2.0'\n{name}:\n  input: [{{n: 1}}]\n  tasks:\n    t: {{action: std.noop}}\n"
WORKBOOK = "version: '2.0'\nname: {name}\nworkflows:\n  main:\n    tasks:\n      t: {{action: std.noop}}\n"
ACTION = "version: '2.0'\n{name}:\n  base: std.echo\n  input: [text]\n  base-input: {{output: <% $.text %>}}\n"
CODE = "class Sum:\n    def __init__(self, a, b=1):\n        self.all = (a, b)\n\n"
CODE += "    def run(self, context):\n        return sum(self.all)\n"


def workflows(shell: Shell) -> None:
    """Create, list in pages, get, get-definition, update by id, validate, delete; in and out of a namespace."""
    name, text = unique("wf"), WORKFLOW
    made = shell.create("workflow-create", text.format(name=name))
    assert (made["Name"], made["Input"], made["Scope"], made["Namespace"]) == (name, 'n="1"', "private", "")
    second = shell.create("workflow-create", text.format(name=f"{name}-b"), "--namespace", "team", "--public")
    assert (second["Scope"], second["Namespace"]) == ("public", "team")
    assert shell.names("workflow-list", "--filter", f"name=eq:{name}") == [name]
    wanted = ("--filter", f"name=has:{name}")
    assert shell.pages(("workflow-list",), "Name", "name", wanted) == [f"{name}-b", name]
    assert shell.one("workflow-get", f"{name}-b", "--namespace", "team")["ID"] == second["ID"]
    assert shell.one("workflow-get", made["ID"])["Name"] == name
    assert shell.run("workflow-get-definition", f"{name}-b", "--namespace", "team") == text.format(name=f"{name}-b")
    changed = text.format(name=name).replace("n: 1", "n: 2")
    updated = shell.create("workflow-update", changed, "--id", made["ID"], "--public")
    assert (updated["ID"], updated["Input"], updated["Scope"]) == (made["ID"], 'n="2"', "public")
    changed = text.format(name=f"{name}-b").replace("n: 1", "n: 3")
    assert shell.create("workflow-update", changed, "--namespace", "team")["Input"] == 'n="3"'
    shell.run("workflow-delete", f"{name}-b", "--namespace", "team")
    shell.run("workflow-delete", name)
    assert shell.rows("workflow-list", *wanted) == []
    assert "Workflow not found" in shell.refused("workflow-get", name)


def validation(shell: Shell) -> None:
    """What is right is valid, what is wrong is not, and the reason is told: workflows, workbooks, actions."""
    for kind, text in (("workflow", WORKFLOW), ("workbook", WORKBOOK), ("action", ACTION)):
        right = shell.file(text.format(name="any"))
        assert shell.one(f"{kind}-validate", right) == {"Valid": True, "Error": None}, kind
        wrong = shell.file(text.format(name="any").replace("tasks:", "tusks:").replace("base:", "bass:"))
        found = shell.one(f"{kind}-validate", wrong)
        assert found["Valid"] is False
        assert found["Error"], kind
        assert shell.refused(f"{kind}-create", wrong)


def workbooks(shell: Shell) -> None:
    """Create, list in pages, get, get-definition, update, delete; in and out of a namespace."""
    name, text = unique("book"), WORKBOOK
    made = shell.create("workbook-create", text.format(name=name))
    assert (made["Name"], made["Scope"], made["Tags"]) == (name, "private", "<none>")
    other = shell.create("workbook-create", text.format(name=f"{name}-b"), "--namespace", "team", "--public")
    assert (other["Namespace"], other["Scope"]) == ("team", "public")
    assert shell.names("workbook-list", "--filter", f"name=eq:{name}") == [name]
    (row,) = shell.rows(
        "workbook-list", "--filter", f"name=has:{name}", "--sort_keys=name", "--sort_dirs=desc", "--limit=1"
    )
    assert row["Name"] == f"{name}-b"
    after = shell.marker("workbooks", name)
    assert shell.names("workbook-list", "--filter", f"name=has:{name}", "--sort_keys=name", after) == [f"{name}-b"]
    assert shell.one("workbook-get", f"{name}-b", "--namespace", "team")["Name"] == f"{name}-b"
    assert shell.run("workbook-get-definition", name) == text.format(name=name)
    changed = text.format(name=name) + "tags: [changed]\n"
    updated = shell.create("workbook-update", changed, "--public")
    assert (updated["Tags"], updated["Scope"]) == ("changed", "public")
    changed = text.format(name=f"{name}-b") + "tags: [there]\n"
    assert shell.create("workbook-update", changed, "--namespace", "team")["Tags"] == "there"
    assert shell.one("workflow-get", f"{name}.main")["Name"] == f"{name}.main"
    shell.run("workbook-delete", f"{name}-b", "--namespace", "team")
    shell.run("workbook-delete", name)
    assert "Workbook not found" in shell.refused("workbook-get", name)


def actions(shell: Shell) -> None:
    """Create, list in pages, get, get-definition, update by id, delete; in and out of a namespace."""
    name, text = unique("adhoc"), ACTION
    made = shell.create("action-create", text.format(name=name))
    assert (made["Name"], made["Input"], made["Is system"]) == (name, "text", False)
    second = shell.create("action-create", text.format(name=f"{name}-b"), "--namespace", "team", "--public")
    assert shell.names("action-list", "--namespace", "team", "--filter", f"name=has:{name}") == [f"{name}-b"]
    wanted = ("--filter", "name=in:std.echo,std.noop")
    assert shell.pages(("action-list",), "Name", "name", wanted) == ["std.noop", "std.echo"]
    assert shell.one("action-get", f"{name}-b", "--namespace", "team")["ID"] == second["ID"]
    assert shell.one("action-get", "std.echo")["Is system"] is True
    assert shell.run("action-get-definition", name) == text.format(name=name)
    assert shell.run("action-get-definition", f"{name}-b", "--namespace", "team") == text.format(name=f"{name}-b")
    changed = text.format(name=name).replace("text]", "text, {more: 1}]")
    there = ("--id", made["ID"], "--public", "--namespace", "team")  # a namespace that the client does not send
    updated = shell.create("action-update", changed, *there)
    assert (updated["ID"], updated["Input"]) == (made["ID"], "text, more=1")
    assert shell.refused("action-delete", "std.echo")
    shell.run("action-delete", f"{name}-b", "--namespace", "team")
    shell.run("action-delete", name)
    assert "not found" in shell.refused("action-get", name)


def environments(shell: Shell) -> None:
    """Create from JSON and YAML, list in pages, get, export, update, delete."""
    name = unique("env")
    made = shell.create("environment-create", json.dumps({"name": name, "variables": {"a": 1}, "description": "d"}))
    assert (made["Name"], made["Description"], json.loads(made["Variables"])) == (name, "d", {"a": 1})
    shell.create("environment-create", f"name: {name}-b\nvariables: {{city: Porto}}\n")
    wanted = ("--filter", f"name=has:{name}")
    sorting = ("--sort_keys=name", "--sort_dirs=desc", "--limit=1")
    assert shell.names("environment-list", *wanted, *sorting) == [f"{name}-b"]
    assert shell.names("environment-list", *wanted, *sorting, shell.marker("environments", f"{name}-b")) == [name]
    exported = shell.json("environment-get", f"{name}-b", "--export", "-f", "json")
    assert exported["name"] == f"{name}-b"
    assert json.loads(exported["variables"]) == {"city": "Porto"}
    changed = shell.create("environment-update", json.dumps({"name": name, "variables": {"a": 2}}))
    assert json.loads(changed["Variables"]) == {"a": 2}
    assert json.loads(shell.one("environment-get", name)["Variables"]) == {"a": 2}
    shell.run("environment-delete", name, f"{name}-b")
    assert shell.rows("environment-list", *wanted) == []
    assert "Environment not found" in shell.refused("environment-get", name)


def uploaded_code(shell: Shell) -> None:
    """Upload a module, list in pages, get, get-content, change, delete it; in and out of a namespace."""
    name, file = unique("module"), shell.file(CODE)
    made = shell.one("code-source-create", name, file)
    assert (made["Name"], made["Scope"], made["Namespace"]) == (name, "private", "")
    other = shell.one("code-source-create", f"{name}-b", file, "--namespace", "team", "--public")
    assert (other["Scope"], other["Namespace"]) == ("public", "team")
    assert shell.names("code-source-list", "--filter", f"name=eq:{name}") == [name]
    wanted = ("--filter", f"name=has:{name}")
    assert shell.pages(("code-source-list",), "Name", "name", wanted) == [f"{name}-b", name]
    assert shell.one("code-source-get", f"{name}-b", "--namespace", "team")["ID"] == other["ID"]
    assert shell.run("code-source-get-content", f"{name}-b", "--namespace", "team") == CODE
    changed = shell.file(CODE.replace("sum(", "max("))
    updated = shell.one("code-source-update", name, changed, "--public", "--id", made["ID"])
    assert (updated["ID"], updated["Scope"]) == (made["ID"], "public")
    assert shell.one("code-source-update", f"{name}-b", changed, "--namespace", "team")["ID"] == other["ID"]
    assert "max(" in shell.run("code-source-get-content", name)
    shell.run("code-source-delete", f"{name}-b", "--namespace", "team")
    shell.run("code-source-delete", name)
    assert name in shell.refused("code-source-get", name)


def dynamic_actions(shell: Shell) -> None:
    """Make an action of an uploaded class, list in pages, get, run, change, delete it; in and out of a namespace."""
    source, name = unique("module"), unique("sum")
    code = shell.one("code-source-create", source, shell.file(CODE + "\n\nOther = Sum\n"))
    made = shell.one("dynamic-action-create", name, "Sum", source)
    assert (made["Name"], made["Class"], made["Code source ID"]) == (name, "Sum", code["ID"])
    assert (made["Code source name"], made["Scope"]) == (source, "private")
    shell.one("code-source-create", source, shell.file(CODE), "--namespace", "team")
    other = shell.one("dynamic-action-create", f"{name}-b", "Sum", source, "--namespace", "team", "--public")
    assert other["Scope"] == "public"
    assert shell.names("dynamic-action-list", "--namespace", "team", "--filter", f"name=has:{name}") == [f"{name}-b"]
    wanted = ("--filter", f"name=has:{name}")
    assert shell.pages(("dynamic-action-list",), "Name", "name", wanted) == [f"{name}-b", name]
    assert shell.one("dynamic-action-get", f"{name}-b", "--namespace", "team")["ID"] == other["ID"]
    assert shell.json("run-action", name, '{"a": 2}') == {"result": 3}
    changing = ("dynamic-action-update", name, "--class-name", "Other", "--code-source", code["ID"], "--public")
    changed = shell.one(*changing)
    assert (changed["ID"], changed["Class"], changed["Scope"]) == (made["ID"], "Other", "public")
    assert shell.one("dynamic-action-update", f"{name}-b", "--namespace", "team")["ID"] == other["ID"]
    shell.run("dynamic-action-delete", f"{name}-b", "--namespace", "team")
    shell.run("dynamic-action-delete", name)
    assert name in shell.refused("dynamic-action-get", name)


def completion(shell: Shell) -> None:
    """The words that bash completes have the commands; nothing is asked of the service."""
    assert {"workflow-create", "task-rerun", "--os-mistral-url"} <= set(shell.run("bash-completion").split())


SCENARIOS: tuple[Scenario, ...] = (
    workflows,
    validation,
    workbooks,
    actions,
    environments,
    uploaded_code,
    dynamic_actions,
    completion,
)
