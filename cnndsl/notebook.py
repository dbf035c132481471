"""Notebooks: `%load_ext cnndsl`, and a cell that begins with `%%cnn` is a net.

    %%cnn
    input 28x28x1
    conv 16 3x3 relu; pool 2
    flatten; dense 10 softmax

shows the figure and the table of the net under the cell, and leaves the Network in the
variable `net`. Needs IPython, which every notebook of Python has.
"""

from __future__ import annotations

import linecache
import os
from keyword import iskeyword
from types import ModuleType
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring
from IPython.display import display

from cnndsl.api import CnndslError, build, check, diagnose
from cnndsl.contract import Unavailable
from cnndsl.diagnostics.render import render_all
from cnndsl.diagnostics.spelling import nearest
from cnndsl.lang import LANGUAGES
from cnndsl.syntax.nodes import Net

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterable, Iterator

    from cnndsl.api import Network

MODELS = ("keras", "pytorch")
"""The targets of which a cell may ask for the built model."""

DEFAULT = "net"
"""The variable of a Network for which the cell has no name."""


@magics_class
class CnnMagics(Magics):
    """The magics of cnndsl."""

    @magic_arguments()
    @argument("name", nargs="?", default=DEFAULT, help="the variable that the Network goes to")
    @argument("--keras", metavar="VAR", help="a variable for the built Keras model")
    @argument("--pytorch", metavar="VAR", help="a variable for the built PyTorch model")
    @argument("--set", metavar="NAME=VALUE", action="append", default=[], help="for a `param`")
    @argument("--input", metavar="SIZE", help="the input's size, for a net without `input`")
    @argument("--view", help="the figure: volumes (unless said), graph, receptive, or none")
    @argument("--style", help="the style of the table: article (unless said), full, keras, …")
    @argument("--lang", help="the language of all: en or ko; CNNDSL_LANG sets that of messages")
    @argument("--depth", type=int, help="open blocks so many levels deep")
    @cell_magic
    def cnn(self, line: str, cell: str) -> None:
        """A net: its figure and its table under the cell, and the Network in a variable.

        Where it has errors they are shown, and no variable changes.
        """
        _known_options(line, self.cnn.parser)
        given = parse_argstring(self.cnn, line)
        lang = given.lang or os.environ.get("CNNDSL_LANG")
        if given.lang and given.lang not in LANGUAGES:
            raise UsageError(f"lang knows no `{given.lang[:60]}`; it knows {', '.join(LANGUAGES)}")
        variables = [name for name in (given.name, given.keras, given.pytorch) if name]
        for name in variables:
            if not name.isidentifier() or iskeyword(name) or variables.count(name) > 1:
                raise UsageError(f"`{name}` cannot name a variable of its own")
        try:
            settings = dict(_settings(given.set))
            net = _checked(cell, settings, given.input, lang if lang in LANGUAGES else "en")
            if net is None:
                return
            if given.name != DEFAULT and not isinstance(net.module.statements[0], Net):
                net.name = given.name
            shown = list(_pictures(net, given))
            made = {given.name: net}
            for target in MODELS:
                if getattr(given, target):
                    made[getattr(given, target)] = model(net, target)
        except CnndslError as error:
            print(error)
            return
        except (ValueError, Unavailable) as error:
            raise UsageError(str(error)) from None
        except ModuleNotFoundError as error:
            raise UsageError(f"{error.name} is not installed") from None
        for data in shown:
            display(data, raw=True)
        self.shell.push(made)


def model(net: Network, target: str) -> Any:
    """The model that a network becomes, built: what `build_model` of its module returns."""
    source = build(net, target)
    assert isinstance(source, str)  # modules are texts
    name = f"<{net.name} for {target}>"
    # So that tracebacks show the lines of the generated module.
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    module = ModuleType(net.name)
    exec(compile(source, name, "exec"), vars(module))
    return module.build_model()


def _known_options(line: str, parser: ArgumentParser) -> None:
    """Raises UsageError, with the nearest, at an option that there is not."""
    known = [option for action in parser._actions for option in action.option_strings]
    for word in line.split():
        option = word.partition("=")[0]
        if option.startswith("--") and not any(each.startswith(option) for each in known):
            raise UsageError(f"there is no {option}{nearest(option, known)}")


def _settings(words: Iterable[str]) -> Iterator[tuple[str, str]]:
    for word in words:
        name, given, value = word.partition("=")
        if not given:
            raise UsageError("--set wants NAME=VALUE, as in `--set width=64`")
        yield name.strip(), value.strip()


def _checked(text: str, settings: dict[str, str], size: str | None, lang: str) -> Network | None:
    """The network of a cell; shows what is to be said about it, and None with errors."""
    given: dict[str, Any] = {"file": "<cell>", "set": settings, "input": size}
    found = diagnose(text, **given)
    if found:
        print(render_all(found, lang=lang).rstrip("\n"))
    if any(each.severity == "error" for each in found):
        return None
    return check(text, **given)


def _pictures(net: Network, given: Namespace) -> Iterator[dict[str, str | bytes]]:
    """The figure and the table of a net, each in the forms that a notebook chooses from."""
    shared = {
        key: getattr(given, key) for key in ("lang", "depth") if getattr(given, key) is not None
    }
    if given.view != "none":
        view = {"view": given.view} if given.view else {}
        picture = build(net, "svg", **view, **shared)
        yield {"image/svg+xml": picture, "text/plain": f"<figure of {net.name}>"}
    style = {"style": given.style} if given.style else {}
    text = build(net, "markdown", **style, **shared)
    yield {
        "text/html": build(net, "html", fragment=True, **style, **shared),
        "text/markdown": text,
        "text/plain": text,
    }
