"""The colours of a net where nothing runs: rules of what each word is, and who reads them.

`words.py` has the rules. Pygments takes them as they are (`lexer.py`), editors as a TextMate
grammar, and a page as JSON; `python -m cnndsl.highlight.generate` writes the latter two.
"""
