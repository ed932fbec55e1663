"""Machinery that more than one service needs."""
