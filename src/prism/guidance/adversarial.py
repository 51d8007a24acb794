"""Disagreement of teacher and student: the images that a student has still to learn."""

from torch import Tensor
from torch.nn import functional


def divergence(teacher_logits: Tensor, student_logits: Tensor, temperature: float = 1.0) -> Tensor:
    """``KL(softmax(teacher / T) || softmax(student / T))`` of each image, in nats.

    Args:
        teacher_logits: (batch, classes).
        student_logits: (batch, classes).
        temperature: T, above 0.

    Returns:
        (batch,)
    """
    teacher = functional.log_softmax(teacher_logits / temperature, dim=1)
    student = functional.log_softmax(student_logits / temperature, dim=1)
    return functional.kl_div(student, teacher, reduction="none", log_target=True).sum(dim=1)


def adversarial(teacher_logits: Tensor, student_logits: Tensor, temperature: float = 1.0) -> Tensor:
    """``-1[argmax student = argmax teacher] KL(teacher || student)``: lower where they differ more.

    DiffDFKD (arXiv 2504.00870), its adversarial term as in the released code (and in DeepInversion's line of
    work, CMI and Fast-DFKD); theirs is averaged over the batch and holds the teacher's answer, ours is each image's own
    and has a gradient by both answers. Where the two already
    disagree the image is not pushed any further, so that it does not leave its class.

    Args:
        teacher_logits: (batch, classes).
        student_logits: (batch, classes).
        temperature: T, above 0.

    Returns:
        (batch,)
    """
    agree = teacher_logits.argmax(dim=1) == student_logits.argmax(dim=1)
    return -agree.to(teacher_logits.dtype) * divergence(teacher_logits, student_logits, temperature)
