"""This program beside other tools that do a part of its work."""
