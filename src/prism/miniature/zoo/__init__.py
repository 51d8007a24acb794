"""Recipes of the miniature's pretrained models: what ``snakemake zoo`` trains, from nothing."""
