"""Input and output: the pooled upstream client, files, logs, and what else touches the outside."""
