"""What one home keeps, and what its runners take, in; how much room there is, and what may go, out."""
