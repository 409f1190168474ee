ashore --version
