"""Figures as ratios against a floor measured in the same run: machines differ, ratios hold.

figures   what a figure is                   scratch     a database of its own
hub       bronze, silver, memory of the hub   processes   what a command and the server cost
worlds    synthetic worlds at the volumes of their predecessors
"""
