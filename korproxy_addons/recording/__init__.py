"""What may be written down of an exchange, and in which form; pure."""
