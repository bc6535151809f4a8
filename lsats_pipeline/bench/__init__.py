"""Figures as ratios against a floor measured in the same run: machines differ, ratios hold.

figures   what a figure is          hub   bronze, silver, memory of the hub on a simulated campus
by_hand   the floor of a silver table
"""
