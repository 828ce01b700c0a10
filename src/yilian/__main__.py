"""`python -m yilian` is the command `yilian`."""

from yilian.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
