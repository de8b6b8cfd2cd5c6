"""Pages of the reference: every public function and class of the library, lesson by lesson, with its formula.

Docstrings here are plain text, for `help()`; `as_rst` makes of them what Sphinx reads. Formulas stand in
docs/formulas.toml, as TeX, under the name of the function that they define.
"""

from __future__ import annotations

import builtins
import importlib
import inspect
import re
import textwrap
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from lessons import course

FORMULAS = Path(__file__).resolve().parents[1] / "docs" / "formulas.toml"

# further files of a topic, beside the one of its name
BESIDE = {
    "topological_sort": ("execution", "memory", "rewriting"),
    "backpropagation": ("value", "tape", "tensor", "tensor_functions", "layers", "training", "recomputation"),
    "laplacian_regularization": ("conjugate_gradients", "neighbours"),
    "graph_partitioning": ("cuts", "bisection", "multilevel", "flows", "packing", "pipeline"),
    "centrality_and_flow": (
        "paths",
        "small_world",
        "centrality",
        "walks",
        "flow_networks",
        "neurons",
        "offloading",
    ),
    "graph_signals": ("chebyshev",),
    "communities": ("local_moves", "spectral_clustering", "graph_shuffles"),
    "node2vec": ("biased_walks", "skip_gram", "link_prediction", "vector_files"),
    "spectral_gcn": ("graph_layers", "node_classification"),
    "relational_graphs": ("random_graphs", "graph_measures", "graph_selection", "relational_budgets"),
    "sweet_spot": ("relational_training",),
    "neural_capacitance": ("resilience", "prediction_of_accuracy"),
}
TOPIC_OF = {module: topic for topic, modules in BESIDE.items() for module in modules}
SHARED = (
    "graph",
    "datasets",
    "show",
    "exercises",
    "course",
    "model",
    "onnx_files",
    "architectures",
    "operators",
    "metis",
    "experiments",
    "sweep",
    "cli",
    "errors",
)
KERNELS = ("compiled", "gpu")  # the same functions for the machine; nobody calls them by name


@dataclass(frozen=True)
class Section:
    """A module on its page: its name, and {name: object} of what is documented there, in reading order."""

    module: str
    members: dict[str, Any] = field(default_factory=dict)


# ---------------------------------------------------------------------------------------- what is public


def pages() -> dict[str, list[Section]]:
    """All pages of the reference: {name of the page: its modules}, a page a lesson, then "shared".

    What a topic's module passes on from the files beside it is documented once, under the topic's name.
    """
    topics = [lesson for lesson in course.lessons() if find_spec(f"lessons.{lesson.id}")]
    modules = {page_of(lesson): (lesson.id, *BESIDE.get(lesson.id, ())) for lesson in topics} | {"shared": SHARED}
    told: set[Any] = set()
    return {page: _sections(names, told) for page, names in modules.items()}


def page_of(lesson: course.Lesson) -> str:
    """The name of a lesson's page, of its notebook too."""
    return f"{lesson.number:02d}_{lesson.id}"


def public(module: ModuleType) -> dict[str, Any]:
    """The functions and classes that a module offers, {name: object}: those of `__all__`, else its own."""
    own = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    if hasattr(module, "__all__"):
        own = {name: own[name] for name in module.__all__}
    else:
        own = {name: value for name, value in own.items() if _home(value) == module.__name__}
    return {name: value for name, value in own.items() if inspect.isroutine(value) or inspect.isclass(value)}


def _home(value: Any) -> str:
    return getattr(value, "__module__", "")


def _sections(names: tuple[str, ...], told: set[Any]) -> list[Section]:
    """The sections of a page, without what was `told` before, which grows."""
    sections = []
    for module in (importlib.import_module(f"lessons.{name}") for name in names):
        here = {module.__name__} | {f"lessons.{name}" for name in names}
        found = {k: v for k, v in public(module).items() if v not in told and _belongs(v, here)}
        told.update(found.values())
        ordered = sorted(found, key=lambda name: _place(found[name], names))
        sections.append(Section(module.__name__, {name: found[name] for name in ordered}))
    return sections


def _belongs(value: Any, here: set[str]) -> bool:
    """Whether it is defined in one of these modules, or in one that has no page of its own."""
    home = _home(value)
    return home in here or home.startswith("lessons._")


def _place(value: Any, modules: tuple[str, ...]) -> tuple[int, int]:
    """Where it stands in the source, so that a page reads like the files, one after the other."""
    home = _home(value).removeprefix("lessons.")
    return modules.index(home) if home in modules else -1, inspect.getsourcelines(inspect.unwrap(value))[1]


def names(made: dict[str, list[Section]]) -> dict[Any, str]:
    """Under which full name each object is documented."""
    sections = [section for page in made.values() for section in page]
    return {value: f"{part.module}.{name}" for part in sections for name, value in part.members.items()}


# ---------------------------------------------------------------------------------------- as text for Sphinx


def write(folder: Path) -> None:
    """Put the pages into the folder, one .rst file each, and an index of them."""
    folder.mkdir(parents=True)
    made = pages()
    titles = {page_of(lesson): f"{lesson.number:02d} {lesson.title}" for lesson in course.lessons()}
    for name, sections in made.items():
        lead = f"What :doc:`/notebooks/{name}` builds." if name in titles else "What all lessons stand on."
        text = _page(titles.get(name, "Shared by all lessons"), lead, sections)
        (folder / f"{name}.rst").write_text(text, encoding="utf-8")
    (folder / "index.rst").write_text(_index(made), encoding="utf-8")


def _index(made: dict[str, list[Section]]) -> str:
    count = sum(len(section.members) for sections in made.values() for section in sections)
    text = f"""
        Reference
        =========

        {count} functions and classes, by the lesson that builds them; also :ref:`by the alphabet <genindex>`.
        Each tells what its arguments mean, what it raises and what it costs, most with a few lines that are run as
        tests. Letters in formulas are those of the notation in :doc:`/notebooks/00_start_here`.

        .. toctree::
           :maxdepth: 1

        """
    return textwrap.dedent(text).lstrip() + "".join(f"   {name}\n" for name in made)


def _page(title: str, lead: str, sections: list[Section]) -> str:
    parts = [_heading(title, "="), lead]
    for section in sections:
        parts.append(_heading(section.module, "-"))
        parts.append(f".. py:module:: {section.module}")
        told = inspect.getdoc(importlib.import_module(section.module)) or ""
        parts.append("\n".join(as_rst(told, section.module)))
        for name, value in section.members.items():
            parts.append(_directive(section.module, name, value))
    return "\n\n".join(parts) + "\n"


def _heading(text: str, mark: str) -> str:
    return f"{text}\n{mark * len(text)}"


def _directive(module: str, name: str, value: Any) -> str:
    if not inspect.isclass(value):
        return f".. autofunction:: {module}.{name}"
    kind = "autoexception" if issubclass(value, BaseException) else "autoclass"
    return f".. {kind}:: {module}.{name}\n   :members:\n   :member-order: bysource"


# ---------------------------------------------------------------------------------------- docstrings


class Docstrings:
    """Turns the docstrings that autodoc finds into reStructuredText, with formulas and links between them."""

    def __init__(self) -> None:
        self.names = names(pages())
        self.formulas = formulas()

    def process(self, app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
        """What `autodoc-process-docstring` calls: rewrites `lines` in place."""
        module = _home(obj) or _home(getattr(obj, "fget", None)) or ".".join(name.split(".")[:2])
        made = as_rst("\n".join(lines), module, self.names)
        if name in self.formulas:
            end = made.index("") if "" in made else len(made)
            made[end:end] = ["", ".. math::", "", f"   {self.formulas[name]}", ""]
        lines[:] = made

    def signature(self, app: Any, what: str, name: str, obj: Any, options: Any, args: Any, back: Any) -> Any:
        """What `autodoc-process-signature` calls: the signature as the source writes it, aliases not unfolded."""
        try:
            written = inspect.signature(obj)
        except (TypeError, ValueError):
            return args, back
        taken = written.parameters.values()
        parameters = [each.replace(annotation=self._linked(each.annotation, obj)) for each in taken]
        if what == "method" and parameters and parameters[0].name in ("self", "cls"):
            del parameters[0]
        gives = inspect.Signature.empty if inspect.isclass(obj) else self._linked(written.return_annotation, obj)
        return _as_text(inspect.Signature(parameters, return_annotation=gives))

    def _linked(self, annotation: Any, obj: Any) -> Any:
        """A written annotation with full names of what is documented or built in: none means two things."""
        if not isinstance(annotation, str):
            return annotation

        def full(found: re.Match[str]) -> str:
            if isinstance(getattr(builtins, found[0], None), type):
                return f"~builtins.{found[0]}"
            known = _full_name(found[0], _home(obj), self.names)
            return f"~{known}" if known else found[0]  # Sphinx shows the last part of what begins with ~

        parts = re.split(r"""("[^"]*"|'[^']*')""", annotation)  # text and quoted text, by turns
        parts[::2] = [re.sub(r"(?<![\w.])[A-Za-z_][\w.]*", full, part) for part in parts[::2]]
        return "".join(parts)

    def skip(self, app: Any, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
        """What `autodoc-skip-member` calls: the fields of a named tuple stand in its signature already."""
        return True if "Alias for field number" in (getattr(obj, "__doc__", None) or "") else None


def formulas() -> dict[str, str]:
    """{full name of a function: its formula in TeX}, from docs/formulas.toml."""
    told = tomllib.loads(FORMULAS.read_text(encoding="utf-8"))
    return {
        f"lessons.{module}.{name}": " ".join(tex.split())
        for module, of_module in told.items()
        for name, tex in of_module.items()
    }


def _as_text(signature: inspect.Signature) -> tuple[str, str | None]:
    from sphinx.util.inspect import stringify_signature

    args, _, back = stringify_signature(signature).partition(" -> ")
    return args, back or None


def as_rst(text: str, module: str, documented: dict[Any, str] | None = None) -> list[str]:
    """A plain docstring as lines of reStructuredText: nothing in it is markup but single backquotes.

    Names in backquotes that `documented` knows, seen from `module`, become links; indented blocks are code.

    >>> as_rst("The norm |x|, see `Path`.", "pathlib")
    ['The norm \\\\|x\\\\|, see ``Path``.']
    """
    lines: list[str] = []
    for block in re.split(r"\n[ \t]*\n", text.strip("\n")):
        lines += [*_block(block, module, documented or {}), ""]
    return lines[:-1]


def _block(block: str, module: str, documented: dict[Any, str]) -> list[str]:
    lines = block.split("\n")
    if lines[0].lstrip().startswith(">>>"):
        return lines
    if all(line.startswith("    ") for line in lines):
        return [".. code-block:: python", "   :force:", "", *(f"   {line[4:]}" for line in lines)]
    return list(_with_lists(_prose(block, module, documented).split("\n")))


def _with_lists(lines: list[str]) -> Iterator[str]:
    """A list begins and ends with an empty line."""
    inside = False
    for at, line in enumerate(lines):
        item = line.startswith("- ")
        if at and item != inside and not (inside and line.startswith("  ")):
            yield ""
        inside = item or (inside and line.startswith("  "))
        yield line


def _prose(block: str, module: str, documented: dict[Any, str]) -> str:
    parts = re.split(r"(`[^`]+`)", block)  # text and what stands in backquotes, by turns
    for at in range(1, len(parts), 2):
        code = _code(parts[at][1:-1], module, documented)
        before = "\\ " if re.search(r"\w$", parts[at - 1]) else ""  # markup has to be told from the word beside it
        after = "\\ " if re.match(r"\w", parts[at + 1]) else ""
        parts[at] = before + code + after
    text = "".join(part if at % 2 else _plain(part) for at, part in enumerate(parts))
    return re.sub(r"^(Raises|Source:|Notebook:)", r"**\1**", text, flags=re.MULTILINE)


def _plain(text: str) -> str:
    """Text without markup, addresses linked."""
    escaped = re.sub(r"([\\*|_<>])", r"\\\1", text)
    escaped = re.sub(r"Notebook: (\d\d)((?:\\_|\w)+)", _notebook, escaped)
    escaped = re.sub(r"(?i)(?<=doi )(10\.\d+/[^\s,;]+[^\s,;.)])", _doi, escaped)
    escaped = re.sub(r"(?i)(?<=doi:)(10\.\d+/[^\s,;]+[^\s,;.)])", _doi, escaped)
    return re.sub(r"arXiv:(\d{4}\.\d{4,5})", r"`arXiv:\1 <https://arxiv.org/abs/\1>`__", escaped)


def _notebook(found: re.Match[str]) -> str:
    return f"Notebook: :doc:`/notebooks/{(found[1] + found[2]).replace(chr(92), '')}`"


def _doi(found: re.Match[str]) -> str:
    return f"`{found[1]} <https://doi.org/{found[1].replace(chr(92), '')}>`__"


def _code(text: str, module: str, documented: dict[Any, str]) -> str:
    full = _full_name(text, module, documented)
    return f":py:obj:`{text} <{full}>`" if full else f"``{text}``"


def _full_name(text: str, module: str, documented: dict[Any, str]) -> str | None:
    """Under which name what is called `text` in `module` is documented, itself or the class that has it."""
    if not re.fullmatch(r"[A-Za-z_][\w.]*", text) or not module.startswith("lessons"):
        return None
    first, *rest = text.removeprefix("lessons.").split(".")
    topic = TOPIC_OF.get(module.removeprefix("lessons."), "graph")
    seen_from = (importlib.import_module(module), importlib.import_module(f"lessons.{topic}"))
    found: Any = next((getattr(one, first) for one in seen_from if hasattr(one, first)), None)
    if found is None or len(rest) > 1 or (rest and not hasattr(found, rest[0])):
        return None
    try:
        full = documented.get(found)
    except TypeError:  # what cannot be hashed is no function
        return None
    return ".".join([full, *rest]) if full else None
