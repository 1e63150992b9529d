"""The process: everything that touches the world. `python -m cronjob` is the program."""
