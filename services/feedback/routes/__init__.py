"""The routes of feedback, a module for each thing that they are about."""
