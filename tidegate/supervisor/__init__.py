"""What should run in (the plan, the registry); processes out: started in order, kept running, drained."""
