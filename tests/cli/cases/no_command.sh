# Without a command the help goes to stderr.
ashore
