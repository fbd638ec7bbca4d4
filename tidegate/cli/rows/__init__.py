"""A user's file in; rows as the model's schema asks for them out, and their predictions back."""
