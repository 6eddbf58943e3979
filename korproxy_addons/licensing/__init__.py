"""What a plan of KorProxy itself gives a right to; pure."""
