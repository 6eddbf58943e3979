"""KorProxy's desktop process: command line, supervisor, simulator."""
