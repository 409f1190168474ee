# A line for each case that does not pass, and the reason.
ashore verify bad
