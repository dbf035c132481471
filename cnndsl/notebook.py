"""Notebooks: `%load_ext cnndsl`, and a cell that begins with `%%cnn` is a net.

    %%cnn
    input 28x28x1
    conv 16 3x3 relu; pool 2
    flatten; dense 10 softmax

shows the figure and the table of the net under the cell, and leaves the Network in the
variable `net`. The options are those of the targets that make what is shown. Needs IPython,
which every notebook of Python has.
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

from cnndsl import targets
from cnndsl.api import CnndslError, analyse, build, check, diagnose
from cnndsl.contract import OptionError, Unavailable, keyword, read_option
from cnndsl.diagnostics.render import render_all
from cnndsl.diagnostics.spelling import nearest
from cnndsl.lang import LANGUAGES

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Iterable, Iterator

    from cnndsl.api import Network

MODELS = ("keras", "pytorch")
"""The targets of which a cell may ask for the built model."""

DEFAULT = "net"
"""The variable of a Network for which the cell has no name."""

SHOWN = {"svg": "view", "markdown": "style", "walkthrough": "walkthrough"}
"""The targets that make what is shown, and the option of each that can be `none`."""

OPTIONS = {
    option.name: (
        option._replace(choices=(*option.choices, "none"), help=f"{option.help}, or none")
        if option.name in SHOWN.values()
        else option
    )
    for target in SHOWN
    for option in targets.load(target).OPTIONS
    if option.name != "form"
}
"""What can be asked of them, by name; but slides are files of their own."""


def _options(magic: Callable[..., None]) -> Callable[..., None]:
    """A magic with arguments for all of them."""
    for option in reversed(OPTIONS.values()):
        kind = {"action": "store_true"} if option.kind == "flag" else {"metavar": option.value}
        magic = argument(f"--{option.name}", help=option.help.replace("%", "%%"), **kind)(magic)
    return magic


@magics_class
class CnnMagics(Magics):
    """The magics of cnndsl."""

    @magic_arguments()
    @argument("name", nargs="?", default=DEFAULT, help="the variable that the Network goes to")
    @argument("--keras", metavar="VAR", help="a variable for the built Keras model")
    @argument("--pytorch", metavar="VAR", help="a variable for the built PyTorch model")
    @argument("--set", metavar="NAME=VALUE", action="append", default=[], help="for a `param`")
    @argument("--input", metavar="SIZE", help="the input's size, for a net without `input`")
    @argument("--walkthrough", action="store_true", help="work it out step by step, too")
    @_options
    @cell_magic
    def cnn(self, line: str, cell: str) -> None:
        """A net: its figure and its table under the cell, and the Network in a variable.

        Where it has errors they are shown, and no variable changes.
        """
        _known_options(line, self.cnn.parser)
        try:
            given = parse_argstring(self.cnn, line)
        except ValueError as error:
            raise UsageError(str(error)) from None
        asked = _asked(given)
        lang = given.lang or os.environ.get("CNNDSL_LANG")
        variables = [name for name in (given.name, given.keras, given.pytorch) if name]
        for name in variables:
            if not name.isidentifier() or iskeyword(name) or variables.count(name) > 1:
                raise UsageError(f"`{name}` cannot name a variable of its own")
        try:
            settings = dict(_settings(given.set))
            # A file's name names a net that has none of its own.
            file = "<cell>" if given.name == DEFAULT else f"<{given.name}>"
            about: dict[str, Any] = {"file": file, "set": settings, "input": given.input}
            found = diagnose(cell, **about)
            if found:
                print(render_all(found, lang=lang if lang in LANGUAGES else "en").rstrip("\n"))
            if any(each.severity == "error" for each in found):
                attempt = analyse(cell, **about).attempt

                def explained(target: str, options: dict[str, Any]) -> Any:
                    explain: Any = getattr(targets.load(target), "explain", None)
                    return explain(attempt, found, **options) if explain else ""

                for data in _shown(asked, explained) if attempt.reached else ():
                    display(data, raw=True)
                return
            net = check(cell, **about)
            shown = list(_shown(asked, lambda target, options: build(net, target, **options)))
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


def _asked(given: Namespace) -> dict[str, Any]:
    """The options that are given, by keyword, as targets take them; those of SHOWN may be none."""
    asked = {"walkthrough": "" if given.walkthrough else "none"}
    for option in OPTIONS.values():
        text = getattr(given, keyword(option))
        if text not in (None, False):
            try:
                asked[keyword(option)] = read_option(option, text)
            except OptionError as error:
                raise UsageError(f"{option.name} {error}") from None
    return asked


def _shown(
    asked: dict[str, Any], make: Callable[[str, dict[str, Any]], Any]
) -> Iterator[dict[str, Any]]:
    """What is asked for, each in the forms that a notebook chooses from.

    `make` gives what a target makes by some options, or nothing.
    """
    for target, switch in SHOWN.items():
        keys = map(keyword, targets.load(target).OPTIONS)
        options = {key: asked[key] for key in keys if key in asked}
        text = "" if asked.get(switch) == "none" else make(target, options)
        if text and target == "svg":
            yield {"image/svg+xml": text, "text/plain": "<figure>"}
        elif text:
            html = make("html", {**options, "fragment": True}) if target == "markdown" else ""
            forms = {"text/html": html, "text/markdown": text, "text/plain": text}
            yield {form: made for form, made in forms.items() if made}
