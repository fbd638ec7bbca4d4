"""What crosses a topic: values in, bytes of a record out, and back; this folder imports nothing of ours."""
