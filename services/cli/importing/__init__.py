"""`rapport import`: a file of any size becomes events, once, however often it is run."""
