"""Networks of others, as text of the language: readers to a graph, and the graph to a text."""
