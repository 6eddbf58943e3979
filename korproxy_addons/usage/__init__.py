"""What finished exchanges add up to; pure."""
