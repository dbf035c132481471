"""Who may import whom, what the core keeps its hands off, and what a start-up loads."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "cnndsl"

# A package, and what of cnndsl it may import beside itself.
MAY_IMPORT = {
    "diagnostics": {"lang"},
    "lang": set(),
    "contract": {"diagnostics", "lang"},
    "layers": {"diagnostics"},
    "foreign": {"diagnostics"},
    "syntax": {"diagnostics", "foreign"},
    "network": {"diagnostics", "foreign", "syntax", "layers"},
    "symbolic": {"contract", "diagnostics", "syntax", "layers", "network"},
    "rules": {"diagnostics", "syntax", "layers", "network"},
    "quickfix": {"contract", "diagnostics", "syntax", "layers", "network", "symbolic"},
    "analysis": {
        *("lang", "diagnostics", "foreign", "syntax", "layers", "network"),
        *("rules", "quickfix", "lint", "tables"),
    },
    "codegen": {"contract", "diagnostics", "syntax", "layers", "network"},
    "tables": {"contract", "lang", "diagnostics", "syntax", "layers", "network", "symbolic"},
    "figures": {"contract", "lang", "diagnostics", "syntax", "layers", "network", "tables"},
    "targets": {
        *("contract", "lang", "diagnostics", "syntax", "layers", "network"),
        *("codegen", "tables", "figures", "symbolic"),
    },
    "comparison": {"lang", "diagnostics", "syntax", "layers", "network", "tables"},
    "documents": {
        *("contract", "lang", "comparison", "diagnostics", "network", "tables", "targets"),
        "analysis",
    },
    "audit": {
        *("lang", "diagnostics", "foreign", "layers", "network", "tables"),
        *("documents", "importers"),
    },
    "proof": {"contract", "diagnostics", "layers", "network", "codegen", "targets", "importers"},
    "variants": {
        *("contract", "lang", "diagnostics", "syntax", "layers", "network"),
        *("analysis", "tables", "comparison", "targets"),
    },
    "lint": {"diagnostics", "lang", "syntax"},
    "highlight": {"syntax", "layers"},
    "importers": {
        *("contract", "lang", "diagnostics", "foreign", "syntax", "layers", "network"),
        "comparison",
    },
}
# The folders that turn values into values: they read no files and print nothing.
# Not so the pages of `diagnostics`, and `proof`, which runs what was generated.
PURE = tuple(folder for folder in MAY_IMPORT if folder not in ("diagnostics", "proof"))
IMPURE = {
    "syntax/generate.py",  # development: writes the tables
    "highlight/generate.py",  # development: writes the grammars of editors
    "importers/keras_file.py",  # archives and HDF5 are bytes that libraries read as files
}
IMPURE_FUNCTIONS = {
    "audit/words.py": {"synonyms"},  # data of the package
    "lang/messages.py": {"catalogue"},  # data of the package
    "syntax/__init__.py": {"grammar_path", "grammar_text"},  # data of the package
}
# The modules that say where templates lie.
TEMPLATES = r"targets/\w+/__init__\.py|codegen/write_module\.py"
IMPURE_NAMES = {"open", "print", "input", "breakpoint", "exec"}
IMPURE_METHODS = {"read_text", "write_text", "read_bytes", "write_bytes", "unlink", "mkdir"}
IMPURE_MODULES = {"io", "os", "pathlib", "shutil", "socket", "subprocess", "tempfile", "time"}
FRAMEWORKS = {"flax", "jax", "keras", "torch", "tensorflow", "numpy", "onnx"}
# What moves weights may, when it is called; to generate code takes none of them.
MAY_COMPUTE = {
    "codegen/weights.py": {"numpy"},
    "importers/graph.py": {"numpy"},
    "importers/keras_file.py": {"keras", "numpy"},
    **{
        f"importers/onnx_{name}.py": {"numpy", "onnx"}
        for name in ("compute", "fold", "model", "operators", "values")
    },
    "importers/torch_model.py": {"numpy", "torch"},
    # This target's files hold weights.
    "targets/onnx/__init__.py": {"onnx"},
    "targets/onnx/graph.py": {"numpy", "onnx"},
    **{f"targets/keras/{name}.py": {"numpy", "keras", "torch"} for name in ("live", "weights")},
    **{f"targets/pytorch/{name}.py": {"numpy", "torch"} for name in ("live", "weights")},
}


def modules(folder: str) -> list[Path]:
    alone = PACKAGE / f"{folder}.py"
    return [alone] if alone.exists() else sorted((PACKAGE / folder).rglob("*.py"))


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@cache
def imports(path: Path) -> list[tuple[int, str]]:
    """The modules that a file imports, wherever it does; relative ones made absolute."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = ["cnndsl", *path.relative_to(PACKAGE).parts[: -node.level]]
                base = ".".join([*package, base] if base else package)
            found += [
                (node.lineno, name)
                for name in (base, *(f"{base}.{alias.name}" for alias in node.names))
            ]
    return found


def test_the_folders_are_those_of_the_table() -> None:
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    alone = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "__main__"}
    assert set(MAY_IMPORT) <= folders | alone
    assert (folders | alone) - set(MAY_IMPORT) == {
        "cli",
        "api",
        "lsp",
        "mkdocs",
        "notebook",
        "sphinx",
    }


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_imports_go_one_way(folder: str) -> None:
    allowed = MAY_IMPORT[folder] | {folder}
    wrong = [
        f"{relative(path)}:{line} imports {name}"
        for path in modules(folder)
        for line, name in imports(path)
        if name.startswith("cnndsl.") and name.split(".")[1] not in allowed
    ]
    assert not wrong, "\n".join(wrong)


def module_name(path: Path) -> str:
    parts = [PACKAGE.name, *path.relative_to(PACKAGE).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def import_graph() -> dict[str, set[str]]:
    """Each module of cnndsl with those that it imports: anywhere in it, and for types too.

    `from package import module` is an import of the module, and `from package import name` one
    of the package.
    """
    paths = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
    graph: dict[str, set[str]] = {}
    for module, path in paths.items():
        found = graph[module] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{module} imports relatively"
                for alias in node.names:
                    name = f"{node.module}.{alias.name}"
                    found.add(name if name in paths else str(node.module))
        graph[module] = found & set(paths)
    return graph


def circles(graph: dict[str, set[str]]) -> set[tuple[str, ...]]:
    """The modules that import one another, directly or by way of others (Tarjan, 1972)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found = set()

    def visit(module: str) -> None:
        number[module] = lowest[module] = len(number)
        stack.append(module)
        for other in sorted(graph[module]):
            if other not in number:
                visit(other)
                lowest[module] = min(lowest[module], lowest[other])
            elif other in stack:
                lowest[module] = min(lowest[module], number[other])
        if lowest[module] == number[module]:
            at = stack.index(module)
            if len(stack) - at > 1 or module in graph[module]:
                found.add(tuple(sorted(stack[at:])))
            del stack[at:]

    for module in sorted(graph):
        if module not in number:
            visit(module)
    return found


def test_no_module_imports_one_that_imports_it() -> None:
    found = circles(import_graph())
    assert not found, "\n".join(map(" <-> ".join, found))


def test_circles_are_found() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"e"}}
    assert circles(graph) == {("a", "b", "c"), ("e",)}


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_the_core_knows_nothing_of_the_edge(folder: str) -> None:
    edge = {"cnndsl.api", "cnndsl.cli", "cnndsl.__main__"}
    wrong = [
        f"{relative(path)}:{line} imports {name}"
        for path in modules(folder)
        for line, name in imports(path)
        if ".".join(name.split(".")[:2]) in edge
    ]
    assert not wrong, "\n".join(wrong)


def test_a_target_looks_into_no_other_target() -> None:
    folders = sorted(path.parent for path in (PACKAGE / "targets").glob("*/__init__.py"))
    names = {folder.name for folder in folders}
    wrong = []
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            for line, name in imports(path):
                parts = name.split(".")
                if parts[:2] != ["cnndsl", "targets"] or len(parts) < 4:
                    continue  # not a target's inside
                if parts[2] in names and parts[2] != folder.name:
                    wrong.append(f"{relative(path)}:{line} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_layers_know_no_framework() -> None:
    for path in [path for folder in PURE for path in modules(folder)]:
        barred = FRAMEWORKS - MAY_COMPUTE.get(relative(path), set())
        for line, name in imports(path):
            where = f"{relative(path)}:{line} imports {name}, as only {', '.join(MAY_COMPUTE)} may"
            assert name.split(".")[0] not in barred, where


def impurities(path: Path) -> Iterator[str]:
    """What a module of the core does that only the edge may do."""
    allowed = IMPURE_FUNCTIONS.get(relative(path), set())
    stack: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.FunctionDef) and node.name in allowed:
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            stack += node.orelse
            continue
        stack += ast.iter_child_nodes(node)
        found = ""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found = node.func.id if node.func.id in IMPURE_NAMES else ""
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            found = node.func.attr if node.func.attr in IMPURE_METHODS else ""
        elif isinstance(node, ast.Import):
            names = {alias.name.split(".")[0] for alias in node.names}
            found = ", ".join(sorted(names & IMPURE_MODULES))
        elif isinstance(node, ast.ImportFrom) and not node.level:
            first = (node.module or "").split(".")[0]
            found = first if first in IMPURE_MODULES else ""
            if found == "pathlib" and re.fullmatch(TEMPLATES, relative(path)):
                found = ""  # says where its templates lie
        elif isinstance(node, ast.Attribute) and ast.unparse(node).startswith("sys.std"):
            found = ast.unparse(node)
        elif isinstance(node, ast.Global):
            found = f"global {', '.join(node.names)}"
        if found:
            yield f"{relative(path)}:{getattr(node, 'lineno', 0)}: {found}"


@pytest.mark.parametrize("folder", PURE)
def test_the_core_reads_no_files_and_prints_nothing(folder: str) -> None:
    wrong = [
        found
        for path in modules(folder)
        if relative(path) not in IMPURE
        for found in impurities(path)
    ]
    assert not wrong, "\n".join(wrong)


def test_lark_stays_at_home() -> None:
    """The tables ship; Lark makes them, and nothing at run time imports it."""
    users = {
        relative(path)
        for path in PACKAGE.rglob("*.py")
        for _, name in imports(path)
        if name.split(".")[0] == "lark"
    }
    assert users <= {"syntax/generate.py"}


START = """
import sys
import cnndsl.cli
code = cnndsl.cli.main(["check", sys.argv[1]])
heavy = {"jinja2", "black", "lark", "dataclasses", "json", "inspect", "ast", "typing_extensions",
         "importlib.metadata", "argparse", "tomllib", "logging", "asyncio", "pygments"}
print(code, *sorted(heavy & set(sys.modules)))
"""


def test_check_starts_light() -> None:
    run = subprocess.run(
        [sys.executable, "-c", START, str(ROOT / "samples" / "article.cnn")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.splitlines()[-1] == "0"
    assert run.stderr == ""


GENERATE = """
import sys
import cnndsl.cli
for target in ("keras", "pytorch"):
    assert cnndsl.cli.main(["build", sys.argv[1], "--target", target]) == 0
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""


def test_to_generate_code_takes_no_framework() -> None:
    run = subprocess.run(
        [sys.executable, "-c", GENERATE, str(ROOT / "samples" / "article.cnn")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not FRAMEWORKS & set(run.stdout.splitlines()[-1].split())
