"""A folder that is to be checked, and who deploys it, in; the process in which it is checked, which may stay, out."""
