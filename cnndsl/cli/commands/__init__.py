"""One file a command: what it takes, and the function that runs it."""
