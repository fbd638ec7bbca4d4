"""`tidegate demo`: real data from a pushed model to a drift alert, and a verdict on whether all of it happened."""
