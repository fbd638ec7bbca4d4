"""All that faces HTTP, and the contract of the events that it emits."""
