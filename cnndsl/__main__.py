"""`python -m cnndsl` is the command `cnndsl`."""

from cnndsl.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
