"""Options, help, files and streams."""
