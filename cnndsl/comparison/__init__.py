"""Networks beside one another: what each comes to, and what changed from one to the next.

`measure` counts one network, `compare` sets several side by side, and `difference` says what
changed in meaning between two.
"""

from cnndsl.comparison.difference import Difference, difference
from cnndsl.comparison.measure import Measure, measure
from cnndsl.comparison.side_by_side import Comparison, compare

__all__ = ["Comparison", "Difference", "Measure", "compare", "difference", "measure"]
