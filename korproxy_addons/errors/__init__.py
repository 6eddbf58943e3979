"""Errors: the catalogue of everything that can go wrong, and the exception that carries a row."""
