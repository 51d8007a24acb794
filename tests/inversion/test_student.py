"""The student that an inversion competes with: killed in its training it goes on, and ends in the same bytes."""

import pytest

from prism.artifacts import progress_dir, verify
from prism.config import validate
from prism.config.load import merge
from prism.data.shards import Sample, sample_key, write_shard
from prism.inversion import student as module
from prism.inversion.imitation import Imitation
from prism.inversion.student import train_student

METHOD = "adaptive-deepinversion"


@pytest.fixture
def train(config, picture, tmp_path):
    """``train(name)``: seven steps on four of ten images; the file of weights."""
    short = {"methods": {METHOD: {"inversion": {"adaptive": {"steps": 7, "batch": 4}}}}}
    config = validate(merge(config.dump(), short))
    shard = tmp_path / "results" / "x" / "synthesis" / "deepinversion" / "shard-0000.tar"
    samples = [Sample(sample_key(c, 0), picture(c, 16), {"class_index": c}) for c in range(10)]
    write_shard(shard, samples, {"stage": "synthesis", "recipe": {"method": "deepinversion"}})

    def run(name):
        output = tmp_path / "results" / name / "inversion" / METHOD / "student.safetensors"
        train_student(config, METHOD, [shard], output)
        return output

    return run


@pytest.fixture
def steps(monkeypatch):
    """The steps that are done, each saved before it."""
    done, step, run = [], Imitation.step, Imitation.run
    monkeypatch.setattr(Imitation, "step", lambda self, number: (done.append(number), step(self, number)))
    monkeypatch.setattr(Imitation, "run", lambda self, **given: run(self, seconds=0, **given))
    return done


def killed(*given):
    raise KeyboardInterrupt


def test_killed_between_two_steps_it_goes_on_with_the_images_that_were_next(train, steps, monkeypatch, tmp_path):
    wanted = train("undisturbed").read_bytes()
    steps.clear()
    with monkeypatch.context() as patch:
        original = Imitation.step
        patch.setattr(Imitation, "step", lambda self, number: original(self, number) if number < 5 else killed())
        with pytest.raises(KeyboardInterrupt):
            train("killed")
    folder = tmp_path / "results" / "killed" / "inversion" / METHOD
    assert not folder.exists() or not list(folder.iterdir())
    assert steps == [0, 1, 2, 3, 4]
    (seconds,) = (tmp_path / "results" / ".progress" / "killed").rglob("seconds")
    seconds.write_text("1000.0\n")
    output = train("killed")
    assert steps[5:] == [5, 6], "what was saved is not done twice"
    assert output.read_bytes() == wanted
    manifest = verify(output.with_suffix(".json"))
    assert manifest.stage == "inversion" and not progress_dir(output).exists()
    assert manifest.run["seconds"] >= 1000  # those of the killed training too


def test_killed_before_it_is_written_only_what_was_not_saved_is_done_again(train, steps, monkeypatch):
    wanted = train("undisturbed").read_bytes()
    steps.clear()
    with monkeypatch.context() as patch:
        patch.setattr(module, "save_model", killed)
        with pytest.raises(KeyboardInterrupt):
            train("killed")
    assert train("killed").read_bytes() == wanted
    assert steps == [*range(7), 6]


def test_a_damaged_state_is_left_aside(train, steps, monkeypatch, tmp_path, caplog):
    wanted = train("undisturbed").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(module, "save_model", killed)
        with pytest.raises(KeyboardInterrupt):
            train("killed")
    (state,) = (tmp_path / "results" / ".progress" / "killed").rglob("*.pt")
    state.write_bytes(state.read_bytes()[:99])
    assert train("killed").read_bytes() == wanted and "starting anew" in caplog.text
