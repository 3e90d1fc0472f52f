"""How Sphinx builds the documentation: `make docs`.

Its root is the repository, so that links from a page to an experiment or to CONTRIBUTING.md are followed, and checked, like all
others.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

import arcgate

project = "arcgate"
author = project_copyright = "the arcgate developers"
version = release = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
root_doc = "docs/index"
include_patterns = [
    "docs/**",
    "experiments/README.md",
    "experiments/*/README.md",
    "benchmarks/README.md",
    "notebooks/README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
]
exclude_patterns = [".*", "build", "data", "mlruns", "src", "tests"]

myst_enable_extensions = ["dollarmath", "substitution"]
# The page of the Python interface: what the package lists, each by its docstring.
_LISTED = [
    f".. auto{'class' if isinstance(getattr(arcgate, name), type) else 'function'}:: arcgate.{name}" for name in arcgate.__all__
]
myst_substitutions = {"interface": "\n".join(["```{eval-rst}", *_LISTED, "```"])}
# Links to headings, as on the pages of a repository: down to ###.
myst_heading_anchors = 3

# Docstrings put code between single backticks.
default_role = "code"
autodoc_typehints = "none"
numpydoc_show_class_members = False

nitpicky = True
html_theme = "furo"
html_title = f"arcgate {version}"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_show_sourcelink = html_copy_source = False
html_math_renderer = "mathml"


def setup(app: Sphinx) -> None:
    """Write formulas as MathML, which browsers draw by themselves; Sphinx's own way fetches a script from the network."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))


def _inline(writer: HTML5Translator, node: nodes.math) -> None:
    writer.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def _block(writer: HTML5Translator, node: nodes.math_block) -> None:
    writer.body.append(f'<div class="math">{tex2mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode
