"""A network to boxes, marks and places."""
