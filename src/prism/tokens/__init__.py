"""Class alignment tokens: one learned pseudo-word for each class, that the teacher understands its images by."""

REVISION = 1
