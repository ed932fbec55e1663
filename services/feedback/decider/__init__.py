"""What follows from a command, given what is known. Pure; one arm, one rule; a module for each thing decided about."""
