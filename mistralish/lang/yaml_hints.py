"""What the YAML parser's errors mean to an author."""

import re

import yaml

from mistralish.lang.errors import LanguageError

_EXPRESSION_START = re.compile(r"(?:<%|\{\{|\{%)")


def syntax_error(error: Exception, text: str) -> LanguageError:
    """Return the LanguageError that says what the parser's ``error`` means in ``text``, and where."""
    if isinstance(error, (yaml.reader.ReaderError, UnicodeError)):
        return _reader_error(text)
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return LanguageError("the definition is no Unicode text", hint="send UTF-8")
    lines = text.splitlines() or [""]
    line = lines[mark.line] if mark.line < len(lines) else ""
    problem, hint = _explain(error, line, mark.column)
    return LanguageError(problem, line=mark.line + 1, column=mark.column + 1, hint=hint)


def _reader_error(text: str) -> LanguageError:
    position = _first_unprintable(text)
    line = text.count("\n", 0, position) + 1
    column = position - (text.rfind("\n", 0, position) + 1) + 1
    problem = f"YAML does not allow the character {text[position : position + 1]!r}"
    hint = 'remove it, or write it as an escape in a "double-quoted" string'
    return LanguageError(problem, line=line, column=column, hint=hint)


def _first_unprintable(text: str) -> int:
    match = yaml.reader.Reader.NON_PRINTABLE.search(text)
    return match.start() if match else 0


def _explain(error: Exception, line: str, column: int) -> tuple[str, str | None]:
    problem = str(getattr(error, "problem", None) or "invalid YAML")
    context = str(getattr(error, "context", None) or "")
    rest = line[column:]
    if (line[:column].strip(" ") == "" and rest.startswith("\t")) or line.startswith("\t"):
        return "a tab where YAML wants indentation", "indent with spaces"
    if rest.startswith(("%", "`")):
        return f"a plain value cannot start with '{rest[0]}'", "quote the value"
    if "mapping values are not allowed" in problem:
        return (
            "a second ': ' within one value",
            "quote the value, or check the indentation of this line and the one before"
            if not _EXPRESSION_START.search(line)
            else "quote the whole value, expression included",
        )
    if "flow" in context and ("expected" in problem):
        return f"a bracket or brace is not closed, or a comma is missing ({context}, {problem})", _flow_hint(line)
    if "quoted scalar" in context:
        return f"a quoted string is not well-formed ({problem})", "close the quote and check its escapes"
    if ("block" in context and "expected <block end>" in problem) or "did not find expected key" in problem:
        return "this line does not fit the indentation of the lines before", "align keys of one mapping in one column"
    if "could not find expected ':'" in problem:
        return "a key without ': ' after it", "write 'key: value', and indent what belongs to the value"
    return f"invalid YAML ({', '.join(part for part in (context, problem) if part)})", None


def _flow_hint(line: str) -> str:
    if _EXPRESSION_START.search(line):
        return "quote the expression, and close what was opened"
    return "close every '[' and '{' that was opened"
