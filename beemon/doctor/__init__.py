"""Doctor: checks of the machine, the service and its config, each in a file of its own."""
