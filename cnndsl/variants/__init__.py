"""Variants of a net: what each combination of values of its `param`s comes to.

`grid` has the values, `sweep` works the combinations out, here or elsewhere, `choice` says
which are wanted, and `show` writes them. They come in the order of the grid, the last param
varying fastest; nothing but the best of them grows with how many there are.
"""
