"""Repeatable measurements: Clientele beside its stock peers on the same rows, as ratios within one run."""
