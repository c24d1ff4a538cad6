"""What people can do: one room per command, with its declaration, handler, followers and messages."""
