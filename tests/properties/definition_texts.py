"""Texts that may be definitions: made of characters, or of what definitions are made of."""

from hypothesis import strategies as st

PIECES = (
    *("version: '2.0'\n", "name: b\n", "wf:\n", "  tasks:\n", "    t1:\n", "      action: std.echo output=<% $.x %>\n"),
    *(
        "      on-success: [t2]\n",
        "    t2: {join: all}\n",
        "{",
        "}",
        "[",
        "]",
        "<%",
        "%>",
        "{{",
        "}}",
        "&a ",
        "*a",
        "@",
    ),
    *(
        "- ",
        "? ",
        ": ",
        "\t",
        "\n",
        "  ",
        "'",
        '"',
        "|",
        ">",
        "#",
        "%",
        "!",
        "<<: ",
        "=",
        "~",
        "1:2:3",
        ".inf",
        "\ufeff",
    ),
    *("\\ud800", "\x85", "\u2028", "---\n", "...\n", "2015-01-01", "0x", "1_0", "with-items: i in [", "retry: count="),
)
texts = st.one_of(st.text(max_size=300), st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
