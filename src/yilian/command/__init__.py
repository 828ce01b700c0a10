"""What the commands of `yilian` do; `cli.py` reads the command line and calls them. One file for each."""
