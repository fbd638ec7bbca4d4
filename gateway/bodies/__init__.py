"""The bytes of a request's body in; instances out, or a refusal that shows what to send."""
