"""Rules: what there is to say of a whole network. One rule, one file, one page.

A rule that advises is a module with `find(view)`. It is loaded where the net has one of the
words that the rule speaks of, so that a small net pays for few of them.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from functools import cache, partial

from cnndsl.diagnostics.codes import CODES
from cnndsl.diagnostics.fault import guarded
from cnndsl.diagnostics.message import Message
from cnndsl.layers import MERGES, Layer, family, taking, words
from cnndsl.network import Network
from cnndsl.rules.helpers.view import Findings, View

ADVICE: dict[str, tuple[str, tuple[str, ...]]] = {
    "W101": ("unused_let", ("let",)),
    "W102": ("unused_param", ("param",)),
    "W103": ("unused_block", ("block",)),
    "W104": ("unused_name", ("as", "repeat")),
    "W105": ("unused_parameter", ("block",)),
    "W106": ("shadowed_name", ("let", "block", "repeat", "as")),
    "W107": ("idle_rounding", ("rounding",)),
    "W108": ("equal_paths", tuple(MERGES)),
    "W109": ("idle_layer", words(lambda layer: layer.is_idle is not Layer.is_idle)),
    "W110": ("repeat_once", ("repeat",)),
    "W111": ("constant_condition", ("if",)),
    "W201": ("skipped_pixels", ("/",)),
    "W202": ("subsampling", ("/",)),
    "W203": ("gridding", ("dilation",)),
    "W204": ("lopsided_same", ("same",)),
    "W205": ("floor_drops", ("rounding",)),
    "W206": ("mostly_padding", ("same", "pad")),
    "W207": ("wide_padding", ("pad",)),
    "W208": ("small_field", words(lambda layer: layer.family == "pool" and not layer.slides)),
    "W209": ("global_pool", ("pool", "avgpool")),
    "W210": ("uneven_overlap", ("deconv",)),
    "W211": ("unpainted", ("deconv",)),
    "W212": ("heavy_dense", ("flatten",)),
    "W213": ("channels_first", ("input",)),
    "W301": ("bias_before_norm", ("bn", "inorm")),
    "W302": ("linear_pair", ("conv", "sepconv", "dense")),
    "W303": ("softmax_inside", ("softmax",)),
    "W304": ("softmax_twice", ("softmax",)),
    "W305": ("activation_after_softmax", ("softmax",)),
    "W306": ("idle_activation", words(lambda layer: getattr(layer, "keeps", None))),
    "W307": ("softmax_of_one", ("softmax",)),
    "W308": ("dropout_last", ("dropout",)),
    "W309": ("dropout_before_norm", ("dropout",)),
    "W310": ("norm_twice", family("norm")),
    "W311": ("high_dropout", family("dropout")),
    "W401": ("stride_or_division", ("/",)),
    "W402": ("block_used_once", ("block",)),
    "W403": ("uneven_channels", taking("filters", "units")),
    "W404": ("shared_tower", ("block",)),
}
"""The rules that advise, by their codes: the module, and the words one of which a net must
have for the rule to have anything to say. Layers and activations count as words; `let`, `if`,
`as` and the like where the text has such a statement; and keys, flags and `/`."""


def advice(network: Network, codes: Container[str]) -> Findings:
    """What the rules of some codes find in a network, rule by rule; and which of them fail."""
    view = View(network)
    for code, (module, needed) in ADVICE.items():
        if code in codes and not view.words.isdisjoint(needed):
            what = Message("the rule {code} {name}", code=code, name=CODES[code].name)
            for found in guarded(network.source, what, partial(_findings, module, view)):
                yield found if found.code else found._replace(code=code)


def _findings(module: str, view: View) -> Findings:
    return _rule(module)(view)


@cache
def _rule(module: str) -> Callable[[View], Findings]:
    """The `find` of a rule, loaded when it is first asked."""
    find: Callable[[View], Findings]
    find = __import__(f"cnndsl.rules.{module}", fromlist=("find",)).find
    return find
