"""What the management API asks in; the registry's values out, and changes carried out."""
