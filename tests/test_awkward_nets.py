"""Nets that set traps for the code generators: names, loops, conditions, jumps.

Each once became code that failed, or that ran and was another network.
"""

from __future__ import annotations

import pytest
from nets import network

from cnndsl.proof.verify import verify

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


@pytest.mark.parametrize("text", NETS)
def test_both_frameworks_agree(text: str) -> None:
    net = network(text)
    assert net is not None
    assert not verify(net).problems


def test_a_given_name_is_kept() -> None:
    net = network("input 9x9x3\nconv 3 3x3; conv 3 3x3 as conv1; conv 2 1x1")
    assert net is not None
    assert [node.name for node in net.layers] == ["conv2", "conv1", "conv3"]
