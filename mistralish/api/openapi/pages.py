"""The API's reference for people: Markdown made from the OpenAPI document and from recorded examples."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from mistralish.api.openapi.security import RULE

Document = Mapping[str, Any]
Operation = Mapping[str, Any]

_LEAST = -(1 << 63)
_MEANINGS = {
    "400": "something in the request is wrong: `faultstring` says what, and what would be right",
    "401": "the token is missing, or does not count",
    "403": "you may not do this: it is another project's, in a state that does not allow it, or not for your roles",
    "404": "there is no such thing, or it is not yours to see",
    "409": "there is one of that name or id already",
    "413": "the body is larger than the setting `max_body_bytes`",
    "415": "the body is of another media type",
    "423": "the service is under maintenance",
    "429": "the project has as many executions under way as the setting `max_running_executions_per_project` allows",
    "503": "the service cannot do this now; try again after `Retry-After`",
}
_INTRODUCTION = """# The REST API

Version 2 of the REST API of OpenStack Mistral. These pages are made from the schemas in use, and their examples were
taken from a running service: `python -m mistralish.api.openapi api-ref` writes them. The same in OpenAPI 3.1 is in
`openapi.json`, and every service has it at `/v2/openapi.json`. `differences.md` lists what is not as in Mistral.

## What holds for every request

- A token says who asks, in the header `Authorization` (after `Bearer`) or in `X-Auth-Token`. What is open to all says
  so; with `auth = none` everything is. Whoever it is must be allowed to by the *rule* that each request names.
- Bodies and answers are JSON in UTF-8; definitions are uploaded as text.
- Times are in UTC: `2030-01-31 12:00:00`.
- `input`, `output`, `params` and their like are JSON *within text* in answers, as in Mistral. In bodies, such text and
  plain objects are both taken.
- Paths and queries take names for ids wherever a resource is known by its name.
- An unknown query argument or attribute, or a value that does not fit, is an error, never ignored.
- An error is `{"faultcode": "Client", "faultstring": "…", "debuginfo": null}` with a status of 400 or more.
- Every answer has an `X-Request-Id`, which the service's log repeats.

## Lists

A list is answered in pages: `limit` rows (the setting `default_limit` unless given; `max_limit` at most) after the one
whose id is `marker`. Where more follows, `next` is the link to it. `sort_keys` and `sort_dirs` order the rows, `fields`
says which attributes to show, `nulls` picks the rows that have no value in some attributes.

Every other argument is a filter on an attribute: `state=in:RUNNING,PAUSED`. Several filters must all hold, those on one
attribute too.

| operator | picks rows whose value |
|---|---|
| `eq:` (or none) | is this; of tags: has all of these |
| `neq:` | is another; of tags: has not all of these |
| `in:` | is one of these; of tags: has any of these |
| `nin:` | is none of these; of tags: has none of these |
| `gt:`, `gte:`, `lt:`, `lte:` | is greater, greater or equal, less, less or equal |
| `has:` | has this within its text; of tags: has this one |

## Resources

"""


def pages(document: Document, examples: Mapping[str, Any]) -> dict[str, str]:
    """The pages by file name: ``README.md``, and one for each of the document's tags."""
    made = {"README.md": _INTRODUCTION + "\n".join(_index(document)) + "\n"}
    for tag in document["tags"]:
        made[f"{tag['name']}.md"] = "\n".join(_page(document, tag, examples))
    return made


def _operations(document: Document, tag: str) -> Iterable[tuple[str, str, Operation]]:
    for path, by_method in document["paths"].items():
        for method, operation in by_method.items():
            if tag in operation["tags"]:
                yield method.upper(), path, operation


def _index(document: Document) -> Iterable[str]:
    yield "| request | what it does |\n|---|---|"
    for tag in document["tags"]:
        for method, path, operation in _operations(document, tag["name"]):
            link = f"{tag['name']}.md#{_anchor(method, path)}"
            yield f"| [`{method} {path}`]({link}) | {operation['summary']} |"


def _anchor(method: str, path: str) -> str:
    kept = [c for c in f"{method} {path}".lower() if c.isalnum() or c in " _-"]
    return "".join(kept).replace(" ", "-")


def _page(document: Document, tag: Mapping[str, str], examples: Mapping[str, Any]) -> Iterable[str]:
    yield f"# {tag['name'].replace('_', ' ').capitalize()}\n"
    yield f"{_sentence(tag['description'])} See [the index](README.md) for what holds for every request.\n"
    shown: set[str] = set()
    for method, path, operation in _operations(document, tag["name"]):
        yield f"## {method} {path}\n"
        yield operation["summary"] + "\n"
        if operation.get("security") == []:
            yield "Open to all: it needs no token.\n"
        else:
            yield f"Rule: `{operation[RULE]}`.\n"
        yield from _parameters(operation.get("parameters", []))
        yield from _body(operation)
        yield from _answers(operation)
        yield from _example(examples.get(operation["operationId"]))
        shown |= set(_components(operation["responses"], document))
    yield "## Attributes\n"
    for name in sorted(shown - {"Fault"}):
        yield from _component(name, document["components"]["schemas"][name])


def _parameters(parameters: list[Mapping[str, Any]]) -> Iterable[str]:
    plain = [p for p in parameters if p["in"] == "query" and "x-filter-operators" not in p]
    filters = [p for p in parameters if "x-filter-operators" in p]
    if plain:
        rows = [(f"`{p['name']}`", _type(p["schema"]), p["description"] + _default(p["schema"])) for p in plain]
        yield from _table(("argument", "type", "meaning"), rows)
    if filters:
        rows = [
            (f"`{p['name']}`", p["x-filter-type"], " ".join(f"`{op}`" for op in p["x-filter-operators"]))
            for p in filters
        ]
        yield from _table(("filter", "type", "operators"), rows)


def _body(operation: Operation) -> Iterable[str]:
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = content["schema"]
        if "properties" not in schema:
            yield f"Body (`{media}`): {_decapitalized(schema['description'])}\n"
            continue
        used = {n: p for n, p in schema["properties"].items() if not p.get("x-ignored")}
        ignored = [f"`{name}`" for name in schema["properties"] if name not in used]
        yield f"Body (`{media}`), an object:\n"
        needed = schema.get("required", ())
        rows = [
            (f"`{n}`" + (" (needed)" if n in needed else ""), _type(p), p.get("description", ""))
            for n, p in used.items()
        ]
        yield from _table(("attribute", "type", "meaning"), rows)
        if ignored:
            yield f"Taken too, and ignored: {', '.join(ignored)}.\n"


def _answers(operation: Operation) -> Iterable[str]:
    rows = []
    for status, response in operation["responses"].items():
        told = _MEANINGS.get(status)
        rows.append((status, told if told else _success(response)))
    yield from _table(("status", "answer"), rows)


def _success(response: Mapping[str, Any]) -> str:
    content = response.get("content")
    if not content:
        return "done; there is no body"
    if "application/json" not in content:
        return f"text (`{next(iter(content))}`)"
    schema = content["application/json"]["schema"]
    if "$ref" in schema:
        return _link(schema)
    name, rows = next(iter(schema["properties"].items()), ("", None))
    if rows is None:
        return "an object"
    more = ", and `next` where more follows" if "next" in schema["properties"] else ""
    return f"an object with `{name}`, a list of {_link(rows['items'])}{more}"


def _link(schema: Mapping[str, Any]) -> str:
    name = schema["$ref"].rpartition("/")[2]
    return f"[{name}](#{name.lower()})"


def _example(example: Mapping[str, Any] | None) -> Iterable[str]:
    if example is None:
        return
    yield "Example:\n"
    lines = [example["request"]]
    if "body" in example:
        body = example["body"]
        lines += [f"Content-Type: {example['content_type']}", ""]
        lines.append(body.rstrip("\n") if isinstance(body, str) else json.dumps(body, indent=2, ensure_ascii=False))
    lines += ["", str(example["status"])]
    if "answer" in example:
        answer = example["answer"]
        lines.append(answer if isinstance(answer, str) else json.dumps(answer, indent=2, ensure_ascii=False))
    yield "```\n" + "\n".join(lines) + "\n```\n"
    if example.get("shortened"):
        yield "The answer is shortened here.\n"


def _components(value: Any, document: Document) -> Iterable[str]:
    waiting, found = [value], set()
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, dict):
            name = str(inner.get("$ref", "")).rpartition("/")[2]
            if name and name not in found:
                found.add(name)
                waiting.append(document["components"]["schemas"][name])
            waiting += inner.values()
        elif isinstance(inner, list):
            waiting += inner
    return found


def _component(name: str, schema: Mapping[str, Any]) -> Iterable[str]:
    yield f"### {name}\n"
    yield schema["description"] + "\n"
    rows = [(f"`{n}`", _type(p), p.get("description", "")) for n, p in schema["properties"].items()]
    yield from _table(("attribute", "type", "meaning"), rows)


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return _link(schema)
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "const" in schema:
        return f"`{schema['const']}`" if schema["const"] else "empty"
    types = schema.get("type", "anything")
    names = [types] if isinstance(types, str) else [name for name in types if name != "null"]
    told = " or ".join(names)
    if "items" in schema:
        told = f"list of {_type(schema['items'])}"
    choices = [str(one) for one in schema.get("enum", ()) if one not in (None, "")]
    if choices:
        told = " ".join(f"`{one}`" for one in choices)
    if "maxLength" in schema:
        told += f", at most {schema['maxLength']} characters"
    if schema.get("minimum", _LEAST) > _LEAST:
        told += f", at least {schema['minimum']}"
    return told


def _default(schema: Mapping[str, Any]) -> str:
    return f" Default: `{json.dumps(schema['default'])}`." if "default" in schema else ""


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterable[str]:
    lines = [head, tuple("---" for _ in head), *rows]
    yield "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _decapitalized(text: str) -> str:
    return text[:1].lower() + text[1:]
