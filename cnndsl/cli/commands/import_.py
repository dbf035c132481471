"""`cnndsl import`: a network of Keras, PyTorch, ONNX or of a text as a `.cnn` file."""

from __future__ import annotations

import os

from cnndsl.cli.commands.nets import answered, counted, tell
from cnndsl.cli.terminal.files import write_files
from cnndsl.cli.terminal.language import LANG, language
from cnndsl.cli.terminal.options import Arguments, Command, UsageError, quoted
from cnndsl.contract import Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnndsl.cli.runner.opened import Opened
    from cnndsl.importers.graph import Graph
    from cnndsl.importers.write import Written
    from cnndsl.layers.base import Shape

COMMAND = Command(
    "import",
    "MODEL",
    "make a .cnn file of a model of Keras, PyTorch or ONNX, or of a text",
    "Write the network of a model as a `.cnn` text, with its blocks and repeats. MODEL is\n\n"
    "  net.keras, net.h5        a file of Keras: it is read, and nothing in it runs\n"
    "  net.onnx                 a graph of ONNX\n"
    "  package.module:function  your own code, which runs here, by this form alone: it gives a\n"
    "                           model of Keras, or a module of PyTorch, with --input\n"
    "  net.py, post.md          source code for Keras or PyTorch, read and never run;\n"
    "                           post.md:LINE is the code that stands there\n"
    "  net.cfg, net.prototxt    configurations of darknet and Caffe\n"
    "  -                        a text: a summary, `32C3-MP2-10`, or any of the above\n\n"
    "What cannot come in is told, all of it at once, and nothing is written.",
    (
        Option("output", "the file to write, else standard output", "word", "PATH", letter="o"),
        Option(
            "from",
            "what MODEL is: keras, onnx, python, summary, notation, darknet\n"
            "or caffe; unless said, what its name or its text looks like",
            "word",
            "KIND",
            ("keras", "onnx", "python", "summary", "notation", "darknet", "caffe"),
        ),
        Option(
            "input",
            "the input's size, as 224x224x3; once for each input",
            "word",
            "SIZE",
            repeated=True,
        ),
        Option("name", "the net's name; of several in source code, which", "word", "N"),
        Option("flat", "one layer after the other, without blocks and repeats"),
        Option("verify", "run the model and the net, and compare them layer by layer"),
        Option(
            "weights",
            "write the weights, too, as files of the net's Keras or PyTorch\n"
            "model: .keras, .weights.h5, .safetensors or .pt",
            "word",
            "PATH",
        ),
        Option(
            "map",
            "write which array of the model is which weight of the net, for\n"
            "`cnndsl weights --map`",
            "word",
            "PATH",
        ),
        LANG,
    ),
    (
        "cnndsl import resnet.keras -o resnet.cnn --verify",
        "cnndsl import torchvision.models:resnet50 --input 224x224x3",
        "cnndsl import - < summary.txt",
    ),
)


def run(arguments: Arguments) -> int:
    from cnndsl.cli.runner.opened import opened

    if len(arguments.operands) != 1:
        raise UsageError("give one MODEL: a file, `package.module:function`, or `-`")
    shapes = [size(word) for word in arguments.every("input")]
    goals = [path for name in ("output", "weights", "map") if (path := arguments.get(name))]
    if len({os.path.realpath(path) for path in goals}) < len(goals):
        raise UsageError("two files to write have the same path")
    suffix = weights_suffix(arguments)
    given = arguments.operands[0], arguments.get("from"), shapes, arguments.get("name")
    return answered(lambda: imported(arguments, opened(*given), suffix))


def imported(arguments: Arguments, model: Opened, suffix: str) -> int:
    """Read a model, and write all that was asked for, or nothing."""
    from cnndsl.cli.runner.opened import needed
    from cnndsl.cli.terminal.output import data, err, out, say
    from cnndsl.codegen.weights import Misfit
    from cnndsl.diagnostics.message import said
    from cnndsl.diagnostics.render import printable
    from cnndsl.importers.graph import ImportProblems
    from cnndsl.importers.told import told
    from cnndsl.importers.write import to_text
    from cnndsl.proof import weight_map

    lang, name, goal = language(arguments), model.source.name, arguments.get("output")
    if model.problems:
        tell([*model.problems], lang=lang)
        return 1
    try:
        graph = model.graph()
        if graph.problems:
            raise ImportProblems(graph.problems)
        written = to_text(graph, arguments.has("flat"), arguments.get("name"))
    except ImportProblems as error:
        tell(told(error.problems, model.source), lang=lang)
        return 1
    for note in graph.notes:
        say(f"{name}: {said(note, lang)}")
    if (suffix or arguments.has("map")) and not has_numbers(graph, bool(suffix)):
        say(f"{name}: this source has no weights; nothing is written")
        return 1
    if suffix and model.kind == "keras":
        needed("h5py")  # which holds the numbers
    lines = []
    if arguments.has("verify"):
        from cnndsl.proof.sources import Failed

        try:
            agrees, report = verified(model, graph, written)
        except ImportProblems as error:
            tell(told(error.problems, model.source), lang=lang)
            return 1
        except Failed as error:
            say(f"{name}: the source fails: {error}; nothing is written")
            return 1
        if not agrees:
            err(f"{report}the net is not that of {printable(name)}; nothing is written\n")
            return 1
        lines.append(report)
    files: dict[str, str | bytes] = {}
    if goal is not None:
        files[goal] = written.text
        lines.append(f"{goal}: {sized(written)}\n")
    if suffix:
        stored = arguments.get("weights") or ""
        try:
            files[stored], line = weights_file(written, graph, suffix)
        except Misfit as misfit:
            say(f"{name}: {misfit}; nothing is written")
            return 1
        lines.append(f"{stored}: {line}\n")
    if (path := arguments.get("map")) is not None:
        files[path] = weight_map.written(written.network, written.weights, graph)
        lines.append(f"{path}: {counted(len(written.weights), 'weight')}\n")
    write_files(files)
    if goal is None:
        data(written.text)
    # Standard output is the text, where that goes to no file.
    (err if goal is None else out)("".join(printable_lines(lines)))
    return 0


def printable_lines(texts: list[str]) -> list[str]:
    """Texts of which each line shows whatever a name holds."""
    from cnndsl.diagnostics.render import printable

    return [f"{printable(line)}\n" for text in texts for line in text.splitlines()]


def size(word: str) -> Shape:
    """The size that `--input` gives."""
    from cnndsl.network.values import given_shape

    try:
        return given_shape(word)
    except ValueError as error:
        raise UsageError(f"--input {quoted(word)} {error.args[0]}") from None


def weights_suffix(arguments: Arguments) -> str:
    """The ending of the file for `--weights`, whose libraries are there; empty without it."""
    path = arguments.get("weights")
    if path is None:
        return ""
    from cnndsl.proof import checkpoints

    suffix = checkpoints.suffix_of(path)
    if suffix is None:
        known = ", ".join(checkpoints.SUFFIXES)
        raise UsageError(f"--weights {quoted(path)} ends in none of {known}")
    checkpoints.needed(suffix)
    return suffix


def has_numbers(graph: Graph, values: bool) -> bool:
    """Whether a source has arrays, and their values if these are asked for."""
    arrays = graph.arrays.values()
    return bool(arrays) and not (values and any(array.read is None for array in arrays))


def sized(written: Written) -> str:
    """How large a net is: `18 lines, 53 layers, 25,610,152 parameters`."""
    network = written.network
    lines, layers = written.text.count("\n"), len(network.layers)
    params = counted(network.totals.params, "parameter")
    return f"{counted(lines, 'line')}, {counted(layers, 'layer')}, {params}"


def weights_file(written: Written, graph: Graph, suffix: str) -> tuple[bytes, str]:
    """The file of the weights of a source, for the net, and what is said of it.

    Raises Misfit where the source has other numbers than it says.
    """
    from cnndsl.proof import checkpoints, weight_map

    types: dict[str, int] = {}
    weights = weight_map.restored(written.network, written.weights, graph.arrays, types)
    data = checkpoints.write(written.network, suffix, weights)
    types.pop("float32", None)
    made = "".join(f", {count:,} of {kind} made float32" for kind, count in types.items())
    total = f"{sum(array.size for array in weights.values()):,}"
    return data, f"{total} numbers in {counted(len(weights), 'array')}{made}"


def verified(model: Opened, graph: Graph, written: Written) -> tuple[bool, str]:
    """Whether the net computes what its source does, and what is said of that."""
    from cnndsl.cli.terminal.progress import Progress
    from cnndsl.proof import imported, sources

    network = written.network
    runs = sources.runner(model.model, model.kind, model.outside)
    if runs is None:
        problems = imported.counted(network, graph)
        if problems:
            return False, "".join(f"error: {problem}\n" for problem in problems)
        said = "nothing to run in this source"
        if graph.params is None:
            return True, f"{network.name}: {said}, and it says no total\n"
        return True, f"{network.name}: {said}; it has {graph.params:,} parameters, as the net\n"
    progress = Progress(len(network.layers), f"layers of {network.name}")
    try:
        report = imported.verify(
            network,
            graph,
            written.ops,
            written.weights,
            runs.run(graph),
            target=runs.target,
            source=model.source.name,
            progress=lambda done: progress.add(1),
        )
    finally:
        progress.clear()
    return bool(report), imported.told(report, len(graph.arrays))
