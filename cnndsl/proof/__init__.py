"""Proofs of what generated code computes: both frameworks, the same weights, the same values.

The edge of the package: it runs generated code, and imports frameworks when it does.
"""
