"""What a process of the stack is to others: its state, how it shows readiness, the mark by which it is found."""
