"""Everything with weights: classifiers, teachers, diffusion models, language models, feature networks."""
