"""Requests of operators in; what the doers in `tidegate/management` show and change out."""
