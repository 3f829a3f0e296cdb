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
