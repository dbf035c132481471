"""Nets that set traps for the code generators: names, loops, conditions, jumps.

Each once became code that failed, or that ran and was another network.
"""

from __future__ import annotations

import pytest
from conftest import crossed, few
from nets import network
from reading import FRAMEWORKS, flaws
from test_agreement import agree

from cnndsl.proof.verify import verify
from cnndsl.targets import load

NETS = [
    "block b(s,n){ if s==1 { if n>4 {relu} else {bn} } else { if n>4 {tanh} else {sigmoid} } }; input 8x8x4; b 1 4; b 1 5; b 2 4; b 2 5",  # noqa: E501
    "input 16x16x4; repeat 3 { conv 4 3 same } as q; conv 4 1; add { skip | from q }",
    "input 10; repeat 3 { dense 10; relu } as t; add { skip | from t }",
    "input 16x16x8; repeat 2 { repeat 2 { conv 8 1x1; relu } as u }",
    "input 16x16x8; repeat 2 { if C==8 { conv 8 1x1; relu } as u }",
    "block b(n){ if n>4 {conv 4 3 same} else {relu}; skip as q; conv 4 1; add{skip|from q} }; input 16x16x4; b 4; b 8",  # noqa: E501
    "input 8x8x4; conv 4 1; head h { skip }; conv 2 1",
    "input 8x8x4; conv 4 1; head h { }; conv 2 1",
    "input 8x8x4; repeat 3 as i { repeat 2 as i { conv (4+i) 1 }; conv (2+i) 1 }",
    "block d(n){ repeat 3 as n { conv (n+1) 1 }; conv n 1 }; input 8x8x4; d 3; d 4",
    "input 16x16x4 as q; repeat 3 as q {conv (q+1) 1}; conv 4 1",
    "input 16x16x4; repeat 3 as image { conv (image+1) 1 }",
    "input 8x8x4; conv (divisible(C*3, 8)) 1",
    "block m(n){ conv (divisible(C*n, 8)) 1 }; input 8x8x4; m 3; m 2",
    "input 8x8x4; repeat 3 { let w = 4 }; conv 3 1",
    "input 8x8x4; repeat 3 { if 1==2 { conv 3 1 } }; conv 3 1",
    "block b(n){ repeat n { skip } }; input 8x8x4; b 3; b 2; conv 1 1",
    "block b(n,m){ repeat n as i { repeat m as j { conv (i+j+1) 1 } } }; input 8x8x4; b 3 2; b 2 0; conv 3 1",  # noqa: E501
    "let w=4; input 8x8x4; repeat 3 as i { let w=(w+i); conv w 1 }",
    "input 8x8x4 as z; repeat 3 { conv 4 1; add { skip | from z } }",
    "block b(t,n){ repeat n { conv 4 3 same; add{skip|from t} } }; input 8x8x4 as z; conv 4 1; b z 2; b z 3",  # noqa: E501
    "block inner(t){ add { skip | from t } }; block b(n){ conv n 1 as y; relu; inner y; repeat 2 { conv n 3 same; inner y } }; input 8x8x4; b 3; b 4",  # noqa: E501
    "block b(n){ if n>4 {conv 4 3 same as q} else {conv 4 1 as q}; relu; add{skip|from q} }; input 16x16x3; b 4; b 8",  # noqa: E501
    "block b(n){ if n>4 {conv 4 3 same} else {relu} as q; conv 4 1; add{skip|from q} }; input 16x16x4; b 4; b 8",  # noqa: E501
    "block t2(x){ add{skip|from x} }; input 8x8x4 as q; relu; t2 q",
    "block t2(self, lambda){ add{skip|from self; conv lambda 1} }; input 8x8x4 as q; relu; t2 q 4",
    "block d(x, x_){ conv x 1; conv x_ 1 }; input 8x8x4; d 3 4; d 4 5",
    "block d(x){ let x_ = (x*2); conv x_ 1; conv x 1 }; input 8x8x4; d 3; d 4",
    "block g(n, branch1){ concat{ conv branch1 1 | conv branch1 1; relu } }; input 8x8x4; g 1 3; g 1 4",  # noqa: E501
    "block b(n){ let branch1 = C; concat{ conv n 1 | conv branch1 1 | relu } }; input 8x8x4; b 3; b 4",  # noqa: E501
    "input 16x16x4; conv 4 1; let image = C; conv image 1",
    "block foo(n){conv n 1}; block d(Foo){ foo Foo }; input 8x8x4; d 3; d 4",
    "input 8x8x3; head def { gap; dense 3 }; conv 3 3x3",
    "input 8x8x3; head sum { gap; dense 3 as sum }; conv 3 3x3",
    "input 16x16x4",
    "block branch1(n) { conv n 1 }; input 8x8x4; concat { branch1 3 | branch1 4 | skip }",
    "block a(n, m=2) { conv (n*m) 1 }; block b(n, k=1) { a n m=k; a n }; input 8x8x4; b 3; b 4 k=3; b 5",  # noqa: E501
    "block a(act=relu) { conv 4 1; act }; block b(f) { a f; a }; input 8x8x4; b tanh; b silu; a",
    "block c(k) { conv 4 k same; conv 3 (k) pad=(k//2) floor }; input 8x8x4; c 3; c 1; c 5",
    "block e(k) { conv 4 k }; input 20x20x4; e 3x1; e 1x3; e 3",
    "input 16x16x8; repeat 3 as i { conv (4*(i+1)) 3x3 same } as t; gap; head h { from t; gmp }; dense 3",  # noqa: E501
    "input 8x8x4; repeat 0 { conv 3 1 }; repeat 1 { conv 3 1 as q }; conv 2 1",
    "defaults torch; input 8x8x4; leaky_relu; conv 3 1 leaky_relu; bn; ln; prelu; flatten; prelu; dense 3",  # noqa: E501
    "input 6x6x2; flatten; dropout 0.5; relu; slice 3:20; dense 4",
    "input 6x6x2; flatten as f; dense 4; concat { skip | from f; dense 3 | from f }",
]  # fmt: skip


@pytest.mark.parametrize("text", few(NETS, NETS[::3]))
def test_both_frameworks_agree(text: str) -> None:
    net = network(text)
    assert net is not None
    assert not verify(net).problems


def test_a_given_name_is_kept() -> None:
    net = network("input 9x9x3\nconv 3 3x3; conv 3 3x3 as conv1; conv 2 1x1")
    assert net is not None
    assert [node.name for node in net.layers] == ["conv2", "conv1", "conv3"]


# Nets whose code once did not run, was not clean, or said one thing several times over: each
# must be clean and right in all frameworks.
TRAPS = [
    # What a `let`, a condition, a default or a call alone reads.
    "defaults torch; rounding floor; input 8x8x4; block wide(k, e) { let m = C*e; conv m k same; relu }; wide 3 2; wide 3 3; wide 1 2; gap; dense 2",  # noqa: E501
    "block unit() { let half = C//2; concat { slice 0:half | slice half:C; conv half 1x1 } }; input 8x8x8; unit; conv 16 1x1; unit",  # noqa: E501
    "input 8x8x4; block b(e) { let m = C*e; let n = m + e; let o = n//2; conv o 3 same; relu }; b 1; b 2; b 3",  # noqa: E501
    "input 8x8x4; block b(n, e) { let m = n; if m > e { conv m 1 } else { conv (m+1) 1 } }; b 3 2; b 3 4; b 5 4",  # noqa: E501
    "input 8x8x4; block b(n, m=(n*2)) { conv m 1; relu }; b 3; b 4; b 3 m=5",
    "input 8x8x4; block a(n) { conv n 1; relu }; block b(k) { a (k*2); a (C//2) }; b 2; b 3; b 4",
    "input 8x8x4; block a(n) { let m = 2*n; conv m 1 }; block b(k) { let m = k + 1; a m }; b 2; b 3",  # noqa: E501
    "let w = 4; input 8x8x4; block b(n) { let w = (w*n); conv w 1; let v = C - 1; conv v 1 }; b 1; b 2",  # noqa: E501
    "block b(e) { let c = C; conv (c*e) 1; relu; let d = C; conv c 1; scale; gap keep; up 8; conv d 1 }; input 8x8x3; b 2; conv 5 1; b 3",  # noqa: E501
    "block b(n) { let m = divisible(C*n, 8); conv m 1 }; input 8x8x4; b 3; b 2; b 0.75",
    # Flags, words and layers as parameters.
    "input 8x8x8; block unit(n, act) { if n != C { conv n 1x1; act }; conv n 3x3 pad=1; act }; unit 8 relu; unit 16 silu; unit 16 silu",  # noqa: E501
    "input 8x8x4; block b(n, first=0) { if first { relu }; conv n 1 }; b 4 first=1; b 5; b 5",
    "input 8x8x4; block b(n, first) { if first == 1 { conv n 1 } else { relu; conv n 1 } }; b 4 1; b 5 0; b 6 1",  # noqa: E501
    "input 8x8x4; block b(n, first=1) { if not first and n > 3 { bn }; conv n 1 }; b 4; b 5 first=0; b 3 first=0",  # noqa: E501
    "input 8x8x4; block b(layer, k) { layer k /1 same; conv 4 1 }; b pool 3; b avgpool 2; b minpool 2",  # noqa: E501
    "input 8x8x4; block b(layer, n, act=relu) { layer n 3 same; act }; b conv 4; b sepconv 5 silu; b deconv 3",  # noqa: E501
    "input 8x8x4; block one(n) { conv n 1 }; block two(n) { conv n 3 same; relu }; block b(unit, n) { unit n; add { skip | unit n } }; b one 4; b two 5; b one 5",  # noqa: E501
    "input 8x8x4; block b(op, act) { op { skip | conv 4 1; act } }; b add relu; b mul sigmoid; b maximum tanh",  # noqa: E501
    "input 8x8x4; block b(norm, act=relu, last=silu) { conv 4 1; norm; act; conv 4 1; norm; last }; b bn; b ln hard_swish; b bn last=gelu",  # noqa: E501
    "input 8x8x4; block se(r, gate) { let c = C; mul { skip | gap keep; conv (max(1, c//r)) 1 relu; conv c 1 gate } }; block b(n, k, se4, act) { conv n k same; act; if se4 { se 4 sigmoid }; conv n 1 }; b 8 3 0 relu; b 8 3 1 relu; b 12 5 1 hard_swish",  # noqa: E501
    # Counts of turns.
    "block b(n) { repeat n { conv 4 1; relu } }; input 8x8x4; b 0; b 1; b 3; conv 2 1",
    "block b(n, m) { conv m 1; repeat n as i { conv (m+i) 1 }; relu }; input 8x8x4; b 0 3; b 1 4; b 2 5",  # noqa: E501
    "block causal(n, d) { conv n 2 pad=d:0 dilation=d }; input 24x8; repeat 4 as i { add { skip | causal 8 (2**i) } }",  # noqa: E501
    "block c3(n, times, short=1) { conv n 1; repeat times { if short { add { skip | conv n 3 same } } else { conv n 3 same } } }; input 8x8x4; c3 4 1; c3 4 2; c3 6 2 short=0",  # noqa: E501
    # Tuples of expressions, in each number of dimensions.
    "block unit(n, s=1) { conv n 1x3x3 /(1, s, s) pad=0x1x1; relu }; input 4x8x8x8; rounding floor; unit 8; unit 16 s=2; unit 16",  # noqa: E501
    "block unit(n, k, s=1) { conv n (1, k) /(s, 1) pad=(0, k//2); relu }; input 8x9x4; rounding floor; unit 4 3; unit 6 5 s=2; unit 6 1",  # noqa: E501
    "block unit(n, k, d) { conv n k pad=d:(d*(k - 2)) dilation=d }; input 24x4; unit 4 3 1; unit 6 3 2",  # noqa: E501
    "block unit(n, p) { zeropad (p:1, 0:p); conv n 2; crop (0:p - 1, 0:0) }; input 8x8x4; unit 4 1; unit 5 2",  # noqa: E501
    "block b(k, s=(1, 2)) { pool k /s same }; input 16x16x4; b 2; b 3 s=2x2; b (2, 1) s=1",
    "block b(f) { up (f, 1) bilinear; up (1, f); conv 4 1 }; input 4x4x4; b 1; b 2",
    "block b(n) { let h = L; gap; dense (h*n); reshape (h, n); conv n 1 }; input 8x4; b 3; b 4",
    "block b(n) { reshape (H*W, C); conv n 1 }; input 4x6x4; b 3",
    # 1 is True, and 1.0 is 1.
    "input 4x4x4x3; lrn; block b2() { pool 4 same }; b2; b2",
    "input 8x8x4; block b(n, flag) { conv n 1; if flag == n { relu }; bn }; b 1 1; b 2 1; b 1 0",
    "input 8x8x4; block b(p, r) { scale init=p; dropout r; conv 4 1 }; b 1 0.5; b 1.0 0.25; b 2 0.5",  # noqa: E501
    "input 8x8x4; block b(s) { leaky_relu s; conv 4 1 /1; pool 1 same }; b 1; b 0.5; b 0",
    # Parts of the channels, by expressions.
    "block split(a, b) { slice a:b; conv (b - a) 1; relu }; input 8x8x8; split 0 4; split 1 3",
    "block ghost(n) { let half = n//2; conv half 1 as first; dwconv 3 same; concat { from first | skip }; slice 0:n }; input 8x8x4; ghost 6; ghost 8; ghost 4",  # noqa: E501
    "block rest(k) { concat { slice 0:(C//k) | slice (C//k):C; relu } }; input 8x8x8; rest 2; rest 4",  # noqa: E501
    "block tail(k) { slice (C - k):C; conv 8 1; slice (k - 1):(2*k) }; input 8x8x8; tail 2; conv 8 1; tail 3",  # noqa: E501
    # Names that Python, a framework or generated code itself has a use for.
    "input 8x8x4; block a() { conv 8 3x3 same relu }; concat { skip | conv 4 1x1 }; repeat 2 { a }; concat { skip | conv 4 1x1 }; flatten; dense 10",  # noqa: E501
    "input 8x8x4; block i() { conv 4 3 same relu }; add { skip | relu }; repeat 2 { i }; add { skip | i; i }",  # noqa: E501
    "input 8x8x4; block pas() { conv 4 3 same relu }; add { skip | relu }; repeat 2 { pas }; add { skip | pas; pas }",  # noqa: E501
    "input 8x8x4; block clas() { conv 4 3 same; bn }; add { skip | clas }; repeat 2 { clas }; add { skip | relu }",  # noqa: E501
    "input 8x8x4; block d(n) { conv n 1 }; block el(n) { conv n 3 same; relu }; add { skip | repeat 2 { d 4 }; repeat 3 { el 4 } }",  # noqa: E501
    "net print; block len(n) { conv n 1; relu }; block range(n) { repeat 3 { len n } }; input 8x8x4; range 4; len 5; range 6; gap; dense 2 as print",  # noqa: E501
    "net lambda; let None = 4; let True = 3; input 8x8x4; block class(def, if_=1) { conv def True same; if if_ { relu } }; class None; class True if_=0",  # noqa: E501
    "net keras; input 8x8x4 as torch_; let layers = 4; conv layers 1 as ops; conv layers 3 same as nn; add { skip | from ops }",  # noqa: E501
    "net torch; block layers(n) { add { conv n 1 | conv n 3 same } }; block ops(n) { mul { skip | gap; dense n sigmoid } }; input 8x8x4; layers 4; ops 4; layers 3; ops 3; up 2 bilinear",  # noqa: E501
    "net nn; block jnp(n) { conv n 1; mish }; block jax(n) { jnp n; add { skip | jnp n } }; input 8x8x4; jax 4; jax 5; flatten; slice 2:9",  # noqa: E501
    "net nnx; block nn(n) { conv n 1; relu }; input 8x8x4; nn 3; nn 4; gmp; dense 2 as nnx",
    "net self; block b(x, cls) { conv x 1; conv cls 1 as rngs; relu; add { skip | from rngs } }; block self() { b 3 4; relu }; input 8x8x4 as x; self; b 4 5; self; conv 4 1; add { skip | from x }",  # noqa: E501
    "net forward; block forward(training, in_channels) { conv training 1; conv in_channels 1; dropout 0.5 }; input 8x8x4; forward 3 4; forward 5 6",  # noqa: E501
    "block b(in_channels) { let out = C; conv (in_channels + out) 1; bn }; input 8x8x4; b 3; b 4",
    "block b(n, stride, kernel_size, padding) { conv n kernel_size /stride pad=padding }; input 8x8x4; b 3 1 3 1; b 4 1 1 0",  # noqa: E501
    "net super; block super(n) { conv n 1; relu }; block object(n) { super n; super n }; input 8x8x4; object 3; super 4; object 5 as property; relu; add { skip | from property }",  # noqa: E501
    "net float; block str(n) { maximum { conv n 1 | conv n 3 same } }; block int(n) { conv n 1; pool 3 /1 pad=1 }; block tuple(n) { str n; int n }; input 8x8x4; tuple 3; tuple 4; str 5",  # noqa: E501
    "input 8x8x4; block relu_(n) { conv n 1; relu }; block add_(n) { add { relu_ n | conv n 1 } }; add_ 3; add_ 4; relu_ 5 as add_1; relu_ 5; add { skip | from add_1 }",  # noqa: E501
    "input 8x8x4; repeat 3 as self { conv (self+1) 1 }; repeat 2 as x { conv (x+2) 1 }; repeat 2 as layers { conv (layers+3) 1; relu }",  # noqa: E501
    "block b(x, y) { conv x 1; repeat 2 as x { conv (x+y) 1 }; add { skip | relu } }; input 8x8x4; b 3 4; b 5 6",  # noqa: E501
    "block b(n) { conv n 1 as parameters; relu; conv n 1 as modules; add { skip | from parameters }; add { skip | from modules } }; input 8x8x4; b 3; b 4",  # noqa: E501
    "input 8x8x4; conv 4 1 as train; relu as eval; conv 4 1 as children; conv 4 1 as state_dict; conv 4 1 as double; add { skip | from train; skip | from eval | from double }",  # noqa: E501
    "input 8x8x4; head items { gap; dense 2 }; head keys { gap; dense 3 as values }; head print { gmp; dense 4 }; conv 2 1",  # noqa: E501
    "input 8x8x4 as len; input 8x8x4 as print; concat { from len | from print }; conv 4 1 as input_; add { skip | from len | from print }; add { skip | from input_ }",  # noqa: E501
    # Names of what generated code brings along.
    "net scale; input 8x8x3; add { skip | scale }; gap; dense 2",
    "net crop; input 8x8x3; add { crop 1; up 2; slice 0:3; conv 3 5 | conv 3 1; crop 1; up 2; conv 3 5 }; gap; dense 2",  # noqa: E501
    "net slice; input 8x8x4; add { slice 0:2 | conv 2 1; slice 0:2 }; scale; gap; dense 2",
    "net drop_path; block droppath_(n) { add { skip | conv n 1; droppath 0.1 } }; input 8x8x4; droppath_ 4; droppath_ 4; add { skip | droppath 0.2 }; flatten; slice 1:5",  # noqa: E501
    "net DropPath; block drop_path(p) { add { skip | conv 4 1; droppath p } }; input 8x8x4; drop_path 0.1; drop_path 0.2; add { skip | droppath 0.3 }",  # noqa: E501
    "net init_weights; block init_weights(n) { conv n 1; prelu }; block build_model(n) { init_weights n; init_weights n }; input 8x8x4; build_model 3; init_weights 4; build_model 5",  # noqa: E501
    "net build_model; defaults torch; block init_weights(n) { conv n 1; prelu }; block build_model(n) { init_weights n; init_weights n }; input 8x8x4; build_model 3; init_weights 4; build_model 5; scale",  # noqa: E501
    "net divisible; block divisible_(n) { conv (divisible(n*C, 8)) 1; relu }; block b(divisible_n) { divisible_ divisible_n }; input 8x8x4; divisible_ 3; b 2; b 3",  # noqa: E501
    "block Scale(n) { conv n 1; scale }; block Crop(n) { crop 1; Scale n }; input 9x9x4; Crop 3; Scale 4; Crop 5; add { skip | scale }",  # noqa: E501
    "net average_pool; block average_pool(k) { avgpool k /1 pad=1 countpad; avgpool k /1 pad=1 }; block channel_shuffle(g) { shuffle g; conv 4 1 }; block local_response_norm(k) { lrn size=k }; input 9x9x4; average_pool 3; average_pool 2; channel_shuffle 2; channel_shuffle 4; local_response_norm 3; local_response_norm 5",  # noqa: E501
    "net pixel_shuffle; block pixel_shuffle(r) { pixelshuffle r dcr; conv 36 1 }; block Rescale(s) { rescale s offset=(s, 0, -1); reflectpad 1; replicatepad 0:s; conv 36 1 }; block transpose(n) { permute 2x1x3; conv n 1 }; input 4x4x3; Rescale 2; pixel_shuffle 2; pixel_shuffle 3; transpose 8; transpose 4; channelmax; pixelunshuffle 4",  # noqa: E501
    "net Net; block Net(n) { conv n 1; relu }; block net_(n) { Net n; add { skip | Net n } }; input 8x8x4; Net 3; net_ 4; net_ 5; Net 6",  # noqa: E501
    "net interpolate; block upsample(f) { up f bilinear; up f }; block take_channels(n) { slice 0:n; reshape (H, W, n); flatten_ }; block flatten_() { conv 4 1; minpool 2 /1 }; input 4x4x4; upsample 2; upsample 1; take_channels 3; take_channels 2; flatten; dense 4",  # noqa: E501
    "defaults torch; input 4x4x4; block model(n, name=2, times=1) { conv n 1; slice 0:(min(name, C)); repeat times { add { skip | conv C 1 } } }; model 3 name=3; model 2 times=2; model 1",  # noqa: E501
    "net DepthwiseConv2d; input 8x8x4; dwconv 3 mult=2; head side { gap; dense 3 }; scale",
    "input 12x4; dwconv 3; head DepthwiseConv1d { flatten; dense 3 }; conv 4 1 as build_model; relu; add { skip | from build_model }",  # noqa: E501
    # Names whose classes or functions would have one name.
    "net a; block a(n) { conv n 1; relu }; block a_net(n) { a n; add { skip | a n } }; input 8x8x4; a 3; a_net 4; a_net 5; a 6",  # noqa: E501
    "net my_net; block my_net(n) { conv n 1; relu }; block MyNet(n) { my_net n; bn }; block myNet(n) { MyNet n; conv n 1 }; input 8x8x4; my_net 3; MyNet 4; myNet 5; my_net 6; MyNet 7; myNet 8; add { skip | relu }",  # noqa: E501
    "block a_b(n) { conv n 1; relu }; block aB(n) { conv n 3 same; relu }; block AB(n) { a_b n; aB n }; block a_b_(n) { bn; conv n 1 }; input 8x8x4; a_b 3; aB 3; AB 4; a_b_ 5; a_b 6; aB 6; AB 6; a_b_ 6",  # noqa: E501
    "block conv_1(n) { conv n 1; relu }; block conv1(n) { conv n 3 same; relu }; input 8x8x4; conv_1 4; conv1 4; conv_1 5; conv1 5; add { skip | conv1 5 | conv_1 5 }",  # noqa: E501
    "block Conv2d(n) { conv n 1; relu }; block Sequential(n) { Conv2d n; Conv2d n }; block Module(n) { add { Sequential n | Conv2d n } }; input 8x8x4; Module 3; Sequential 4; Conv2d 5; Module 6",  # noqa: E501
    "net tensor; block Tensor(n) { conv n 1 }; block Identity(n) { if n != C { Tensor n } }; input 8x8x4; Identity 4; Identity 5; add { skip | Identity 5; Tensor 5 }",  # noqa: E501
    "block x(n) { conv n 1; relu }; block y(n) { add { x n | x n } }; block x_1(n) { x n; y n }; input 8x8x4; x 3; y 4; x_1 5; x_1 6 as y1; conv 6 1; add { skip | from y1 }",  # noqa: E501
    "block main(skip_) { add { conv skip_ 1; bn | conv skip_ 3 same; bn; relu; conv skip_ 1 } }; block left(right) { concat { conv right 1; relu | conv right 3 same; relu } }; input 8x8x4; main 3; main 4; left 3; left 5",  # noqa: E501
    "block 합성곱(필터, lambda=3) { conv 필터 lambda same; relu }; input 8x8x4; 합성곱 3 as 출력; 합성곱 3 1; add { skip | from 출력 }",  # noqa: E501
    # Sizes of the layer's input, read behind its first call.
    "input 6x8x8x2; block b() { sepconv (2*C) 3 mult=2 }; b; b; gap; dense 2",
    "defaults torch; rounding floor; input 12x12x2; block b() { conv 4 (H//2) pad=1 relu; conv (C+1) 1 }; b; b",  # noqa: E501
    # Ways that do nothing, at the end of a block, with an `if` or without.
    "block r(s) { if s == 1 { skip } else { add { skip | conv 4 1 } } }; input 8x8x4; r 1; r 2",
    "block r(k) { conv 4 1; if k == 0 { add { skip | conv 4 3 same } } else if k == 1 { skip } else { add { skip | conv 4 1 } } }; input 8x8x4; r 0; r 1; r 2",  # noqa: E501
    "block r(n, k=2) { repeat k { conv n 1; add { skip | conv n 1 } } }; input 8x8x4; r 6; r 8 3; r 8 0",  # noqa: E501
    # A word that is asked for in a way, in a loop and behind them.
    "block b(op, n) { if n > 3 { op { skip | conv 4 1; tanh }; repeat n { op { skip | conv 4 3 same; tanh } } } else { op { skip | relu; conv 4 3 same; tanh } }; op { skip | conv 4 1; tanh } }; input 8x8x4; b add 2; b mul 4; b maximum 5; b add 6",  # noqa: E501
    # Names in names, which written out would be three times as long each.
    "block b(n) { let a = C; let c = a+a-a; let d = c+c-c; let e = d+d-d; let f = e+e-e; let g = f+f-f; conv (g+n) 1; relu }; input 8x8x4; b 1; b 2",  # noqa: E501
    # What some calls leave out behind a layer, not before it.
    "input 6x6x2; block b(a, first, act) { conv C 1 a; if first { relu }; act }; b relu 1 relu; b leaky_relu 1 relu",  # noqa: E501
    "input 6x6x2; block b(a) { conv 4 1 a as q; conv 4 1; add { skip | from q } }; b relu; b prelu; b leaky_relu",  # noqa: E501
    "input 9x9x2; block b(n, p) { deconv n 3 /2 pad=(p:1, p:1) relu; conv n 1 }; b 3 1; b 4 2; b 3 0",  # noqa: E501
]  # fmt: skip
NET_IDS = [f"net{number}" for number in range(len(NETS))]
TRAP_IDS = [f"trap{number}" for number in range(len(TRAPS))]


@pytest.mark.parametrize("text", few(TRAPS, TRAPS[::4]))
def test_traps_are_right_in_keras_and_pytorch(text: str) -> None:
    agree(text)


@pytest.mark.parametrize("text", few(TRAPS, (), turn=0), ids=TRAP_IDS)
def test_traps_are_right_in_flax(text: str) -> None:
    from test_flax import agree  # which tries nets of this file too

    net = network(text)
    assert net is not None
    agree(net)


@pytest.mark.parametrize(
    ("text", "target"), crossed([*NETS, *TRAPS], FRAMEWORKS, [*NETS[::6], *TRAPS[::8]])
)
def test_the_code_is_clean(text: str, target: str) -> None:
    net = network(text)
    assert net is not None
    code = str(load(target).generate(net))
    assert not flaws(code), code
