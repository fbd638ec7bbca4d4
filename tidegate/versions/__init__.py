"""What is done with versions that are there: who gets the traffic, what runs, what is called off."""
