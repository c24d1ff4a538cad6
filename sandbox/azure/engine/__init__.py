"""What a workspace does with a submitted job: nodes, trials, commands, as real processes."""
