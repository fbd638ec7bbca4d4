"""A change of who gets traffic in; runners that answer, a route that is switched, workers that know, out."""
