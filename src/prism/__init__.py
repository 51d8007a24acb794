"""PRISM: data-free knowledge distillation with text-to-image diffusion models.

Given a trained classifier (the teacher) whose training data are gone, the library writes prompts, synthesizes
a surrogate training set under the teacher's guidance, distils a student from it, and measures both. Each
stage is a package with one ``stage.py``; stages meet only in files. The Snakemake workflow beside this
library runs them.
"""

__version__ = "0.1.0"
