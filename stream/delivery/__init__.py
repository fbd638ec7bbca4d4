"""Changes of alerts in; signed requests to a webhook out, and a record of each attempt."""
