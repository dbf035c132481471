"""`cnndsl weights`: trained weights from a file of one framework to one of the other."""

from __future__ import annotations

from cnndsl.cli.commands.nets import NET, networks_of, one_file, tell
from cnndsl.cli.terminal.files import FileError, read_bytes, write_files
from cnndsl.cli.terminal.options import Arguments, Command, UsageError, quoted
from cnndsl.contract import Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnndsl.network import Network

COMMAND = Command(
    "weights",
    "FILE --from A --to B",
    "move trained weights between Keras and PyTorch",
    "Move the weights of a net from one file to another: .keras and .weights.h5 of Keras,\n"
    ".safetensors and .pt (a state_dict) of PyTorch, of models that `cnndsl build` wrote.\n"
    "Where they are not the net's, say which layer's, and write nothing.",
    (
        Option("from", "the file to read", "word", "PATH"),
        Option("to", "the file to write; .onnx, too", "word", "PATH"),
        *NET,
    ),
    (
        "cnndsl weights net.cnn --from trained.keras --to net.safetensors",
        "cnndsl weights net.cnn --from net.pt --to net.weights.h5",
    ),
)


def run(arguments: Arguments) -> int:
    from cnndsl.cli.terminal.output import say
    from cnndsl.contract import TargetError, Unavailable

    paths = one_file(arguments)
    source, goal = named(arguments, "from"), named(arguments, "to")
    networks, code = networks_of(arguments, paths)
    if code:
        return code
    try:
        return moved(networks[0], source, goal)
    except TargetError as error:
        tell(error.diagnostics)
        return 1
    except Unavailable as error:
        say(str(error))
        return 2


def named(arguments: Arguments, option: str) -> str:
    """The path of `--from` or `--to`."""
    from cnndsl.proof.checkpoints import SUFFIXES

    path = arguments.get(option)
    if not path or "\0" in path:
        raise UsageError(f"no file given: --{option} PATH")
    known = [*SUFFIXES, *([".onnx"] if option == "to" else [])]
    if not path.endswith(tuple(known)):
        raise UsageError(f"--{option} {quoted(path)} ends in none of {', '.join(known)}")
    return path


MOST_WEIGHTS = 2**36
"""The largest file of weights, in bytes."""


def moved(network: Network, source: str, goal: str) -> int:
    """Read one file and write the other."""
    from cnndsl.cli.terminal.output import err, out
    from cnndsl.codegen.weights import Misfit
    from cnndsl.diagnostics.render import printable
    from cnndsl.proof import checkpoints
    from cnndsl.targets import load

    after = checkpoints.suffix_of(goal)
    if after is not None:
        checkpoints.needed(after)
    try:
        stored = read_bytes(source, MOST_WEIGHTS)
        weights = checkpoints.read(network, checkpoints.suffix_of(source) or "", stored)
    except checkpoints.NoCheckpoint as error:
        raise FileError(f"{source}: {error}") from None
    except Misfit as misfit:
        lines = [f"{source}: {problem}\n" for problem in misfit.problems]
        err("".join(printable(line[:-1]) + "\n" for line in lines))
        err(f"these are not the weights of {network.name}; nothing is written\n")
        return 1
    if after is None:
        data = load("onnx").generate(network, weights=weights)
    else:
        data = checkpoints.write(network, after, weights)
    write_files({goal: data})
    count = sum(array.size for array in weights.values())
    out(f"{printable(goal)}: {count:,} numbers in {len(weights):,} arrays\n")
    return 0
