"""A network to rows and cells."""
