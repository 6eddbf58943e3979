"""Signing a person in: the browser, the callback, the pasted address, the device code."""
