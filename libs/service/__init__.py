"""The process and HTTP shell of a service, once."""
