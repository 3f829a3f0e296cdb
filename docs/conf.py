from importlib.metadata import version as installed_version

project = "custcrm"
author = "custcrm contributors"
copyright = "2026, custcrm contributors"
version = release = installed_version("custcrm")

extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
autodoc_typehints = "signature"
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "custcrm"
default_role = "code"            # `name` in a docstring is code


def _examples_as_code(app, what, name, obj, options, lines):
    """Show as Python what a docstring indents after an empty line."""
    shown, example = [], False
    for line in lines:
        indented = line.startswith("    ")
        if line.strip() and indented != example:
            example = indented and (not shown or not shown[-1].strip())
            shown += [".. code-block:: python", ""] if example else []
        shown.append(line)
    lines[:] = shown


def setup(app):
    app.connect("autodoc-process-docstring", _examples_as_code)
