"""What people take for one character: grapheme clusters (UAX 29). The name to know is `preview`."""

from custcrm.values.shapes import whole_number


def preview(text: str, most: int, *, field: str = "n") -> str:
    """Return the text, or its first `most` grapheme clusters and an ellipsis where it has more.

    A letter with its accents, a flag or a family emoji is one, and is never cut in two.
    """
    whole_number(most, 1, None, field=field, message=f"{field} is a whole number of characters, at least 1")
    if len(text) <= most:  # a cluster has at least one code point
        return text
    import regex  # only what shows texts needs it

    for place, cluster in enumerate(regex.finditer(r"\X", text), 1):
        if place > most:
            return text[: cluster.start()] + "…"
    return text
