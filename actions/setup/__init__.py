"""The short lists and the settings of the shop."""
