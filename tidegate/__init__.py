"""Settings and commands in; the stack out: its processes wired together, supervised, deployed to and asked."""
