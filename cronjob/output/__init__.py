"""What the program prints and sends: reports, logs, metrics, the progress bar."""
