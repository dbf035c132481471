"""Runs in Pyodide, as the page is built: the archives of the page, and the state it starts from.

Modules are compiled by the very Python that runs them, without docstrings and assertions.
"""

import ast
import gc
import json
import marshal
import sys
from contextlib import suppress
from importlib import import_module
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

LEFT_OUT = {".so", ".pyc", ".pyi", ".typed", ".exe"}
UNCHECKED = b"\1\0\0\0" + bytes(8)
"""The head of compiled modules that are not compared with their source, of which there is none."""

Files = dict[str, bytes]


def folder(root: Path, under: str = "") -> Files:
    """The files of a folder, by their names in an archive."""
    found = [each for each in root.rglob("*") if each.is_file() and each.suffix not in LEFT_OUT]
    return {f"{under}{each.relative_to(root).as_posix()}": each.read_bytes() for each in found}


def pack(goal: str, files: Files) -> None:
    # Stored as they are: the whole is compressed afterwards, which makes it smaller.
    with ZipFile(goal, "w") as archive:
        for name, data in sorted(files.items()):
            if name.endswith(".py"):
                code = compile(data, name, "exec", dont_inherit=True, optimize=2)
                name, data = f"{name}c", MAGIC_NUMBER + UNCHECKED + marshal.dumps(code)
            archive.writestr(ZipInfo(name), data)


def pack_all(repository: str, installed: str, goal: str) -> str:
    """Pack the standard library, cnndsl, and what cnndsl needs to lay out code.

    Gives the modules to have in memory, as JSON.
    """
    root = Path(repository)
    with ZipFile(next(path for path in sys.path if path.endswith(".zip"))) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        pack(f"{goal}/stdlib.zip", {name: archive.read(name) for name in names})
    library, code = folder(root / "cnndsl", "cnndsl/"), Files()
    library |= folder(root / "samples", "samples/")
    for name in ("engine.py", "words.json"):
        library[name] = (root / "playground" / name).read_bytes()
    for name, data in folder(Path(installed)).items():
        top = name.split("/")[0]
        if not top.endswith("-info") and top not in ("bin", "blackd"):
            (library if top in ("markdown_it", "mdurl") else code)[name] = data
    pack(f"{goal}/library.zip", library)
    pack(f"{goal}/code.zip", code)
    return json.dumps(imported(root))


LATER = (
    "audit cli codegen comparison documents highlight importers lsp mkdocs notebook proof sphinx "
    "variants".split()
)
"""The parts of cnndsl that are asked for by questions alone that wait for archives; what else
imports them brings them along."""


def imported(root: Path) -> list[str]:
    """The modules of cnndsl that are asked first, and all that they import anywhere."""
    names = set()
    for path in (root / "cnndsl").rglob("*.py"):
        module = path.relative_to(root).with_suffix("").parts
        if module[1] in LATER:
            continue
        names.add(".".join(module).removesuffix(".__init__"))
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Import):
                names.update(each.name for each in node.names)
            elif isinstance(node, ast.ImportFrom):
                names.add(node.module or "")
    later = tuple(f"cnndsl.{name}" for name in LATER)
    return sorted(name for name in names if not name.startswith(later))


def prime(modules: str) -> str:
    """Bring into memory what is asked first; what the page shows until it can ask, as JSON."""
    for name in json.loads(modules):
        with suppress(ImportError):  # what is not in the page
            import_module(name)
    import engine

    def ask(question: str, **given: Any) -> Any:
        return json.loads(engine.answer(question, json.dumps(given)))

    text = next(each["text"] for each in ask("samples") if each["name"] == "article")
    tables = {}
    for lang in engine.WORDS:
        ask("update", text=text, lang=lang)
        tables[lang] = ask("panel", text=text, lang=lang, panel="table", options={})["content"]
        ask("panels", lang=lang)
    engine.Asked.last = None
    gc.collect()
    gc.freeze()  # which later collections need not look at
    return json.dumps({"net": text, "tables": tables})
