"""Keeps one gateway process alive: a pure state machine, and the ports through which it acts."""
