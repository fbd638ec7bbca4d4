"""What is known of a model's features in; whether rows fit them, and how they are shown, out."""
