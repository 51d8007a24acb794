"""What a student minimises: pure functions of logits and features."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


def soft_label_loss(
    student_logits: Tensor, teacher_logits: Tensor, *, temperature: float, squared: bool = True
) -> Tensor:
    """T^2 KL(softmax(teacher / T) || softmax(student / T)), averaged over the batch.

    Hinton et al. 2015 (arXiv 1503.02531), section 2: T^2 keeps the gradient's size as T changes.

    Args:
        student_logits: (batch, classes).
        teacher_logits: (batch, classes).
        temperature: T > 0, without unit.
        squared: multiply by T^2; SRe2L's released code does not.

    Raises:
        ValueError: the shapes differ or the temperature is not positive.
    """
    _check(student_logits, teacher_logits)
    if temperature <= 0:
        raise ValueError(f"temperature={temperature} must be positive")
    student = functional.log_softmax(student_logits.float() / temperature, dim=1)
    teacher = functional.log_softmax(teacher_logits.float() / temperature, dim=1)
    divergence = functional.kl_div(student, teacher, reduction="batchmean", log_target=True)
    return temperature**2 * divergence if squared else divergence


def logit_error(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    """Mean squared difference of the logits, over batch and classes: G-VBSM's loss (CVPR 2024), PRISM-DD's too.

    Args:
        student_logits: (batch, classes).
        teacher_logits: (batch, classes).

    Raises:
        ValueError: the shapes differ.
    """
    _check(student_logits, teacher_logits)
    return functional.mse_loss(student_logits.float(), teacher_logits.float())


def hard_label_loss(student_logits: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy with class indices (batch,) or class probabilities (batch, classes)."""
    return functional.cross_entropy(student_logits.float(), targets)


class FeatureMatch(nn.Module):
    """Mean squared error between the teacher's features and a linear map of the student's.

    The map bridges the two widths (FitNets, Romero et al. 2015, equation 3). The teacher's features are first
    scaled to a root mean square of one, so that the term's weight means the same for every teacher.
    """

    def __init__(self, student_dim: int, teacher_dim: int) -> None:
        super().__init__()
        self.adapter = nn.Linear(student_dim, teacher_dim)

    def forward(self, student_features: Tensor, teacher_features: Tensor) -> Tensor:
        """The loss of student features (batch, student_dim) and teacher features (batch, teacher_dim)."""
        teacher = teacher_features.float()
        target = teacher / teacher.pow(2).mean().sqrt().clamp_min(1e-6)
        return functional.mse_loss(self.adapter(student_features.float()), target)


def _check(one: Tensor, other: Tensor) -> None:
    if one.shape != other.shape or one.ndim != 2:
        raise ValueError(f"logits are {tuple(one.shape)} and {tuple(other.shape)}; both must be (batch, classes)")
