"""Headers and connections of strangers in; who may ask, and from which page, out."""
