"""Rows of the catalogue, one file for each area of the codes."""
