"""Events of one source partition in, in order; cumulative panes, 10 s of one deployment each, out."""
