"""cnndsl: convolutional networks in a small language, checked and turned into code.

    >>> import cnndsl
    >>> net = cnndsl.check("input 28x28x1; conv 8 3x3 relu; flatten; dense 10 softmax")
    >>> net.totals.params
    54170
    >>> print(cnndsl.build(net, "keras"))

Everything here is in `cnndsl.api`, and imported when it is first used.
"""

__version__ = "0.1.0"

__all__ = [
    "CnndslError",
    "Network",
    "__version__",
    "analyse",
    "build",
    "check",
    "diagnose",
    "format",
    "import_model",
    "parse",
    "sweep",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnndsl.api import (
        CnndslError,
        Network,
        analyse,
        build,
        check,
        diagnose,
        format,
        import_model,
        parse,
        sweep,
    )


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from cnndsl import api

    value = globals()[name] = getattr(api, name)
    return value


def load_ipython_extension(shell: object) -> None:
    """What `%load_ext cnndsl` does in a notebook."""
    from cnndsl.notebook import CnnMagics

    shell.register_magics(CnnMagics)  # type: ignore[attr-defined]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
