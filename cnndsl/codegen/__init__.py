"""A network to a program of functions and loops, and that to Python source."""
