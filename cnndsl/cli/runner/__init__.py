"""Many files: what is asked of each, side by side, and remembered."""
