# The list of commands, by group.
ashore --help
