"""A new student takes the teacher's input, and its file says so."""

from types import SimpleNamespace

import torch

from prism.data.classes import load_classes
from prism.models.checkpoints import load_classifier, save_model
from prism.models.students import description, new_student

TEACHER = SimpleNamespace(size_px=16, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))
NAME = "miniature-student-small"


def test_what_is_written_of_a_student_loads_it_again(project_root, tmp_path):
    classes = load_classes(project_root / "config/classes/miniature.yaml")
    student = new_student(TEACHER, NAME, classes, seed=3).eval()
    assert student.metadata == description(TEACHER, NAME, classes)
    save_model(tmp_path / "student.safetensors", student, student.metadata)
    read = load_classifier(tmp_path / "student.safetensors")
    images = torch.rand(2, 3, 16, 16)
    assert torch.equal(read(images), student(images))
    assert (read.class_names, read.size_px) == (classes.names, 16)
    assert read.mean.flatten().tolist() == torch.tensor(TEACHER.mean).tolist()


def test_first_weights_depend_on_the_seed_alone(project_root):
    classes = load_classes(project_root / "config/classes/miniature.yaml")
    torch.manual_seed(0)
    one = new_student(TEACHER, NAME, classes, seed=3).network.state_dict()
    torch.manual_seed(1)
    other = new_student(TEACHER, NAME, classes, seed=3).network.state_dict()
    third = new_student(TEACHER, NAME, classes, seed=4).network.state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert not torch.equal(one["linear.weight"], third["linear.weight"])
