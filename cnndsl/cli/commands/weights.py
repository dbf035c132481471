"""`cnndsl weights`: trained weights from a file of one framework to one of the other."""

from __future__ import annotations

from cnndsl.cli.commands.nets import NET, answered, networks_of, one_file
from cnndsl.cli.terminal.files import MOST_BYTES, FileError, read_bytes, write_files
from cnndsl.cli.terminal.options import Arguments, Command, UsageError, quoted
from cnndsl.contract import Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import ExitStack

    from cnndsl.codegen.weights import Weights
    from cnndsl.network import Network
    from cnndsl.proof.archive import Stored

COMMAND = Command(
    "weights",
    "FILE --from A --to B",
    "move trained weights between Keras and PyTorch",
    "Move the weights of a net from one file to another: .keras and .weights.h5 of Keras,\n"
    ".safetensors and .pt (a state_dict) of PyTorch, of models that `cnndsl build` wrote.\n"
    "Files of other models are read with the map of an import, or matched by order.\n"
    "Where they are not the net's, say which layer's, and write nothing.",
    (
        Option("from", "the file to read", "word", "PATH"),
        Option("to", "the file to write; .onnx, too", "word", "PATH"),
        Option("map", "read a file of the model that the net was imported from", "word", "PATH"),
        Option(
            "match",
            "`order` pairs the layers of a state_dict of PyTorch with the net's,\n"
            "by their order and shapes, and says how; refused where two ways fit",
            "word",
            "HOW",
            ("order",),
        ),
        *NET,
    ),
    (
        "cnndsl weights net.cnn --from trained.keras --to net.safetensors",
        "cnndsl weights net.cnn --from net.pt --to net.weights.h5",
        "cnndsl weights net.cnn --from later.pth --map net.map.json --to net.keras",
        "cnndsl weights net.cnn --from resnet50.pth --match order --to net.keras",
    ),
)


def run(arguments: Arguments) -> int:
    paths = one_file(arguments)
    source, goal = named(arguments, "from"), named(arguments, "to")
    given, match = arguments.get("map"), arguments.has("match")
    if given is not None and match:
        raise UsageError("--map says which array is which, and --match asks for it: give one")
    if match and not source.endswith(TORCH):
        raise UsageError(f"--match order reads {', '.join(TORCH)}, and {quoted(source)} is none")
    networks, code = networks_of(arguments, paths)
    if code:
        return code
    return answered(lambda: moved(networks[0], source, goal, given, match))


def named(arguments: Arguments, option: str) -> str:
    """The path of `--from` or `--to`."""
    from cnndsl.proof.checkpoints import SUFFIXES

    path = arguments.get(option)
    if not path or "\0" in path:
        raise UsageError(f"no file given: --{option} PATH")
    known = [*SUFFIXES]
    if option == "to":
        known.append(".onnx")
    elif arguments.has("map"):
        known.append(".h5")
    if not path.endswith(tuple(known)):
        raise UsageError(f"--{option} {quoted(path)} ends in none of {', '.join(known)}")
    return path


def moved(network: Network, source: str, goal: str, given: str | None, match: bool) -> int:
    """Read one file, with a map if one is given or by order, and write the other."""
    from cnndsl.cli.terminal.output import err, out, say
    from cnndsl.codegen.weights import Misfit, for_training
    from cnndsl.diagnostics.render import printable
    from cnndsl.proof import checkpoints
    from cnndsl.proof.archive import NoCheckpoint
    from cnndsl.targets import load

    after = checkpoints.suffix_of(goal)
    if after is not None:
        checkpoints.needed(after)
    try:
        # What lies on the disk may be of a larger net, which is then told.
        stored = read_bytes(source, max(checkpoints.bounds(network).bytes, MOST_BYTES))
        if given is None and not match:
            weights = checkpoints.read(network, checkpoints.suffix_of(source) or "", stored)
        else:
            weights = elsewhere(network, source, stored, given)
    except NoCheckpoint as error:
        raise FileError(f"{source}: {error}") from None
    except Misfit as misfit:
        problems = [f"{source}: {problem}" for problem in misfit.problems[:MOST_PROBLEMS]]
        if (more := len(misfit.problems) - MOST_PROBLEMS) > 0:
            problems.append(f"{source}: and {more:,} more")
        err("".join(f"{printable(problem)}\n" for problem in problems))
        err(f"these are not the weights of {printable(network.name)}; nothing is written\n")
        return 1
    if after is None:
        data = load("onnx").generate(network, weights=weights)
    else:
        data = checkpoints.write(network, after, weights)
    if told := no_numbers(weights):
        say(f"{source}: {told}")
    write_files({goal: data})
    spared = for_training(network)
    kept = {key: weights[key] for key in weights if after in TORCH or key not in spared}
    count = sum(array.size for array in kept.values())
    told = told_of(network, kept)
    out(f"{printable(goal)}: {count:,} numbers in {len(kept):,} arrays{told}\n")
    if spared:
        heads = "the weights of heads for training"
        if after not in TORCH:
            out(f"{printable(goal)}: without {heads}\n")
        elif spared - weights.keys():
            out(f"{printable(source)}: without {heads}, which begin anew\n")
    return 0


def elsewhere(network: Network, source: str, stored: bytes, given: str | None) -> Weights:
    """The weights in a file of a model that cnndsl did not write, by a map or by order.

    Raises Misfit and NoCheckpoint as reading another file does.
    """
    from collections import Counter
    from contextlib import ExitStack

    from cnndsl.cli.terminal.output import out, say
    from cnndsl.diagnostics.render import printable
    from cnndsl.layers.base import show
    from cnndsl.proof import in_order, weight_map

    with ExitStack() as opened:
        converted: Counter[str]
        if given is None:
            found = foreign_arrays(network, source, stored, opened)
            weights, pairs, converted = in_order.paired(network, found)
            for pair in pairs:
                first = ", its inputs with the channels first" if pair.flattened else ""
                out(f"{printable(f'{pair.key} ← {pair.source}')} {show(pair.shape)}{first}\n")
        else:
            try:
                told = weight_map.read(read_bytes(given).decode("utf-8", "replace"))
            except weight_map.NoMap as error:
                raise FileError(f"{given}: {error}") from None
            found = foreign_arrays(network, source, stored, opened)
            by_file = source.endswith((".keras", ".weights.h5"))
            weights, converted = weight_map.moved(network, found, told, by_file)
    for kind, count in converted.items():
        say(f"{source}: {count:,} arrays of {kind} are made float32")
    return weights


def foreign_arrays(
    network: Network, source: str, stored: bytes, opened: ExitStack
) -> Mapping[str, Stored]:
    """The arrays in a file by what the file calls them; they can be read while `opened` is."""
    from cnndsl.proof import checkpoints

    suffix = checkpoints.suffix_of(source) or checkpoints.LEGACY
    return checkpoints.arrays(suffix, stored, checkpoints.bounds(network), opened)


TORCH = (".pt", ".pth", ".safetensors")
"""The files that have the weights of heads for training, too."""


def told_of(network: Network, weights: Weights) -> str:
    """How many of some arrays several layers share, and how many do not learn for being frozen."""
    from cnndsl.codegen.weights import slots

    shared = {node.shared_with for node in network.nodes}
    nodes = [kept.node for kept in slots(network) if kept.key in weights]
    several = sum(node.index in shared for node in nodes)
    frozen = sum(node.frozen for node in nodes)
    told = f", {several:,} of them of several layers" if several else ""
    return told + (f", {frozen:,} frozen" if frozen else "")


MOST_PROBLEMS = 100
"""How much of what is wrong with the weights in a file is told; the rest is counted."""


def no_numbers(weights: Weights) -> str:
    """How much of some weights is NaN or infinite, and where; empty for nothing."""
    import numpy

    counts = {key: array.size - int(numpy.isfinite(array).sum()) for key, array in weights.items()}
    found = [f"{count:,} in {key}" for key, count in counts.items() if count]
    if not found:
        return ""
    more = f" and {len(found) - 3:,} more arrays" if len(found) > 3 else ""
    total = f"{sum(counts.values()):,}"
    return f"{total} of the weights are NaN or infinite: {', '.join(found[:3])}{more}"
