"""What one home keeps in; how much room it takes, and what of it may go, out."""
