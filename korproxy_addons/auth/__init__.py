"""Logins: tokens and how they are had, as pure generators of requests."""
