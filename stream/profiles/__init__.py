"""Reference data and its predictions in; a profile out: the bins and counts that live traffic is compared to."""
