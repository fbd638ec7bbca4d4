"""How profiles are made from reference data, and how they travel."""
