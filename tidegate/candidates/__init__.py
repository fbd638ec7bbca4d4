"""A checked folder and who deploys it in; the process in which it is checked, which may stay, out."""
