"""Other chatbots, which answer "ping" as Spotter's bench wants it. Each runs in an environment of its own."""
