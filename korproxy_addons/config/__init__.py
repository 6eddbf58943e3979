"""Configuration: every setting there is, read from one file with lines and columns kept."""
