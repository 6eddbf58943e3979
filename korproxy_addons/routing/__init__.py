"""From what the client asked for to the accounts that may serve it; pure."""
