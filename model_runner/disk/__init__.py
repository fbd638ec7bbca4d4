"""Content in; files out that a power loss leaves whole or undone, and the truth about a full disk."""
