"""Files of version 1 of the language mean what they meant when there was no other."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest
from conftest import ROOT

from cnndsl import build, diagnose

DIGESTS: dict[str, str] = json.loads((ROOT / "tests/golden/version1.json").read_text())
"""Of the JSON that each sample of that time became, to the byte."""


@pytest.mark.parametrize("name", DIGESTS)
def test_samples_become_the_json_that_they_were(name: str) -> None:
    earlier = ROOT / "tests/golden/version1" / f"{name}.cnn"  # of one that is another by now
    path = earlier if earlier.exists() else ROOT / "samples" / f"{name}.cnn"
    text = path.read_text(encoding="utf-8")
    made = str(build(text, target="json", file=f"{name}.cnn"))
    first, number, rest = made.split("\n", 2)
    assert number == '  "format": 2,'  # which it had not
    assert sha256(f"{first}\n{rest}".encode()).hexdigest() == DIGESTS[name]


OWN = """input 16x16x8 as rescale
let dcr = 2
let aligned = 3
param width = 4
block transpose(clamp) { conv clamp 3x3 same relu; inorm }
block inorm() { bn }
block freeze(n) { conv n 1 }
block subtract(channelmean) { conv channelmean 1; relu }
transpose 8 as permute; relu
subtract width; freeze dcr; conv aligned 1; relu
head shared { gap; dense 2 }
head training { gap; dense 2 }
add { skip | conv 3 1 } as pixelshuffle
from pixelshuffle; conv 2 1
"""
"""Names that files of version 1 may have given, and what they mean to the language today."""


def test_words_that_came_later_give_way_to_names_of_the_file() -> None:
    assert not [each for each in diagnose(OWN) if each.severity == "error"]
    made = json.loads(build(OWN, target="json"))
    assert [each["name"] for each in made["layers"]][:3] == [
        "permute.conv1", "permute.inorm1.bn1", "relu1"
    ]  # fmt: skip
    assert made["outputs"].keys() == {"main", "shared", "training"}
