"""`python -m flows.cli` is `syllabus`."""

from flows.cli import main

if __name__ == "__main__":  # a worker that is spawned imports this file under another name
    main()
