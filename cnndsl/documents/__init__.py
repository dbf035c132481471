"""Documents that stay true: nets in Markdown, and what cnndsl writes beside them.

A fenced block of the language `cnn` is a net. A region begins with a comment such as
`<!-- cnndsl: table style=article -->` and ends with `<!-- /cnndsl -->`; what lies between is
written anew from the net before it. Every other character of the document stays.
"""

from cnndsl.documents.renew import Renewed, renew

__all__ = ["Renewed", "renew"]
