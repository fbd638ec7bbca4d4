"""Real data in; traffic to a pushed model, and a verdict on whether its drift was told, out."""
