"""The language server: what an editor asks of a `.cnn` file while somebody types.

`server` speaks the protocol, `documents` keeps the texts and computes, `answers` says what
`cnndsl.analysis` knows in the protocol's words. The server works nothing out by itself.
"""
