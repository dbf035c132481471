"""Every size of a checked network as a formula in the sizes of its input.

The layers themselves work the formulas out: each is made once more, on a `Form` in the place of
every number that depends on the input's size. What they ask of it on the way, as whether a
division leaves a rest, is what a size has to fulfil. No rule of a layer stands here again.
"""
