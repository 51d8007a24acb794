"""An unfinished state comes back as it was, or not at all."""

import pickle

import pytest
import torch

from prism.models.training.unfinished import hash_of_tensor, load_unfinished, save_unfinished

CPU = torch.device("cpu")
STATE = {"epoch": 3, "weights": {"a": torch.arange(4.0)}, "history": [{"loss": 0.5}]}


def load(path, fingerprint="this"):
    return load_unfinished(path, ("epoch", "weights"), fingerprint=fingerprint, device=CPU)


def test_a_state_comes_back_as_it_was(tmp_path):
    path = tmp_path / "progress" / "checkpoint.pt"
    save_unfinished(path, STATE, fingerprint="this")
    state = load(path)
    assert state["epoch"] == 3 and state["history"] == [{"loss": 0.5}]
    assert torch.equal(state["weights"]["a"], torch.arange(4.0))
    assert [one.name for one in path.parent.iterdir()] == ["checkpoint.pt"]


def test_without_a_file_there_is_nothing_to_go_on_from_and_nothing_to_say(tmp_path, caplog):
    assert load(None) is None and load(tmp_path / "checkpoint.pt") is None
    assert not caplog.text


class Code:
    """Would run a command where it is unpickled."""

    def __reduce__(self):
        return (print, ("run",))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda path: path.write_bytes(b"garbage"), "left aside"),
        (lambda path: path.write_bytes(path.read_bytes()[:700]), "left aside"),
        (lambda path: path.write_bytes(pickle.dumps(Code())), "left aside"),
        (lambda path: torch.save([1, 2], path), "does not hold epoch, weights"),
        (lambda path: torch.save({"epoch": 3, "fingerprint": "this"}, path), "does not hold epoch, weights"),
        (lambda path: save_unfinished(path, STATE, fingerprint="other"), "belongs to another recipe"),
    ],
    ids=["garbage", "cut short", "code", "a list", "a key too few", "another training"],
)
def test_what_is_amiss_is_left_aside_with_a_warning(tmp_path, caplog, capsys, change, words):
    path = tmp_path / "checkpoint.pt"
    save_unfinished(path, STATE, fingerprint="this")
    change(path)
    assert load(path) is None
    assert words in caplog.text and "starting anew" in caplog.text and str(path) in caplog.text
    assert capsys.readouterr().out == ""


def test_a_hash_is_of_the_values_whatever_their_order_in_memory():
    images = torch.rand(2, 3, 4, 4)
    assert hash_of_tensor(images) == hash_of_tensor(images.contiguous(memory_format=torch.channels_last))
    assert hash_of_tensor(images) != hash_of_tensor(images.flip(0))
