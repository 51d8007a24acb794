"""Many classes in one batch are each class alone; finished ones leave; nothing but the tokens changes."""

import copy
import hashlib

import pytest
import torch

from prism.errors import ModelError
from prism.tokens.learning import Learner, best_epochs


def run(learner, state, classes=None):
    """Learn; only ``classes`` if given."""
    if classes is not None:
        state.active[:] = False
        state.active[classes] = True
    return learner.run(state)


def fingerprint(*networks):
    digest = hashlib.sha256()
    for network in networks:
        for name, value in sorted(network.state_dict().items()):
            digest.update(name.encode() + value.cpu().numpy().tobytes())
    return digest.hexdigest()


def test_classes_together_learn_what_each_learns_alone(learner_of, settings):
    chosen = settings(epochs=3, images=2, accumulate=1, batch=4)
    together = run(*learner_of(chosen))
    assert together.epochs.tolist() == [3, 3, 3]
    for index in range(3):
        alone = run(*learner_of(chosen), [index])
        torch.testing.assert_close(alone.rows[index], together.rows[index], rtol=0, atol=2e-6)
        torch.testing.assert_close(alone.losses[:, index], together.losses[:, index], rtol=1e-4, atol=1e-5)
        others = [other for other in range(3) if other != index]
        assert torch.equal(alone.rows[others[0]], alone.rows[others[1]]), "they stay where they started"
        assert (alone.rows[index] - alone.rows[others[0]]).abs().max() > 0.01, "it has learned something"


def test_the_first_step_is_adam_s(learner_of, settings):
    """From zero moments Adam's first step is the learning rate, entry by entry, against the gradient's sign."""
    learner, state = learner_of(settings(epochs=1, images=4, accumulate=2, learning_rate=0.01))
    start = state.rows.clone()
    _, _, gradient = learner.gradient(start, [(c, j) for c in range(3) for j in range(2)])
    seen = []
    learner.run(state, lambda now: seen.append(now.rows.clone()) if int(now.clock[1]) == 1 else None)
    clear = gradient.abs() > 1e-5  # far above Adam's epsilon
    moved = seen[0] - start
    assert clear.float().mean() > 0.5
    torch.testing.assert_close(moved[clear], (-0.01 * gradient.sign())[clear], rtol=1e-2, atol=1e-6)


def test_everything_but_the_tokens_stays_as_it_is(learner_of, settings):
    learner, state = learner_of(settings())
    model = learner.drawing.model
    networks = (model.unet, model.vae, model.tiny, learner.words.table, model.text_encoder.encoder, learner.teacher)
    before, start = fingerprint(*networks), state.rows.clone()
    run(learner, state)
    assert fingerprint(*networks) == before
    assert (state.rows != start).any(dim=1).all(), "the tokens did change"
    trained = [
        name
        for network in (model.unet, model.vae, model.text_encoder, learner.teacher)
        for name, value in network.named_parameters()
        if value.requires_grad or value.grad is not None
    ]
    assert trained == []


def test_a_class_that_the_teacher_agrees_with_leaves_and_is_kept_as_it_was_measured(learner_of, settings, monkeypatch):
    learner, state = learner_of(settings(epochs=4, images=2, accumulate=2, batch=3, stop_above=0.7))
    start, drawn = state.rows.clone(), []
    original = learner.gradient

    def agrees(rows, places):
        """As it is, but the teacher agrees with class 1 at once, with class 2 from the third epoch, half before."""
        loss, _, gradient = original(rows, places)
        epoch = int(state.clock[0])
        drawn.append((epoch, places))
        hit = [c == 1 or (c == 2 and (epoch >= 2 or j == 0)) for c, j in places]
        return loss, torch.tensor(hit), gradient

    monkeypatch.setattr(learner, "gradient", agrees)
    learner.run(state)
    assert state.epochs.tolist() == [4, 1, 3]
    assert state.active.tolist() == [True, False, False]
    assert torch.equal(state.best[1], start[1])
    assert {c for epoch, places in drawn if epoch == 1 for c, _ in places} == {0, 2}
    assert {c for epoch, places in drawn if epoch == 3 for c, _ in places} == {0}
    assert best_epochs(state)[1:].tolist() == [0, 2]


def test_the_share_to_stop_above_must_be_exceeded(learner_of, settings, monkeypatch):
    learner, state = learner_of(settings(epochs=1, images=2, accumulate=2, stop_above=0.5))
    original = learner.gradient
    monkeypatch.setattr(
        learner,
        "gradient",
        lambda rows, places: (*original(rows, places)[:1], torch.tensor([j == 0 for _, j in places]), rows * 0),
    )
    learner.run(state)
    assert state.active.all(), "half of the images is not more than half"


def test_of_epochs_the_teacher_agrees_with_equally_the_one_of_lowest_loss_is_kept(learner_of, settings, monkeypatch):
    learner, state = learner_of(settings(epochs=3, images=1, accumulate=1, batch=8))
    hits = {0: [1, 0, 0], 1: [0, 0, 1], 2: [0, 0, 1]}
    losses = {0: [9.0, 3.0, 1.0], 1: [1.0, 2.0, 5.0], 2: [1.0, 4.0, 4.0]}
    rows_of, random = [], torch.Generator().manual_seed(0)

    def scripted(rows, places):
        epoch = int(state.clock[0])
        rows_of.append(rows.clone())
        gradient = torch.randn(rows.shape, generator=random)
        return torch.tensor(losses[epoch]), torch.tensor(hits[epoch]).bool(), gradient

    monkeypatch.setattr(learner, "gradient", scripted)
    learner.settings = learner.settings.model_copy(update={"stop_above": 1.0})
    learner.run(state)
    assert best_epochs(state).tolist() == [0, 1, 2]
    for index, epoch in enumerate((0, 1, 2)):
        assert torch.equal(state.best[index], rows_of[epoch][index])


def test_killed_after_any_batch_it_goes_on_in_the_same_bytes(learner_of, settings, tmp_path):
    chosen = settings(epochs=2, images=2, accumulate=1, batch=2)
    states = []
    learner, state = learner_of(chosen)
    learner.run(state, lambda now: states.append(copy.deepcopy(now)))
    assert len(states) == 8
    for index in (0, 3, 6):
        states[index].save(tmp_path / "state.safetensors")
        again, fresh = learner_of(chosen)
        resumed = fresh.restored(tmp_path / "state.safetensors")
        assert resumed is not fresh
        again.run(resumed)
        assert torch.equal(resumed.best, state.best) and torch.equal(resumed.losses, state.losses)


@pytest.mark.parametrize("damage", ["truncated", "other form"])
def test_a_damaged_state_is_told_and_not_used(learner_of, settings, tmp_path, caplog, damage):
    path = tmp_path / "state.safetensors"
    _, state = learner_of(settings())
    state.save(path)
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:100])
        fresh = state
    else:
        _, fresh = learner_of(settings(epochs=5))
    assert fresh.restored(path) is fresh
    assert "learned from the start" in caplog.text


def test_a_loss_that_is_not_finite_names_the_class(learner_of, settings):
    learner, state = learner_of(settings())
    state.rows[1, 0] = float("nan")
    with pytest.raises(ModelError, match="class 1, or its gradient, is not finite") as caught:
        learner.run(state)
    assert "\n" not in str(caught.value)


def test_where_memory_runs_out_fewer_images_are_learned_from_at_once(learner_of, settings, monkeypatch):
    chosen = settings(epochs=2, images=2, accumulate=2, batch=6)
    wanted = run(*learner_of(chosen))
    gradient, sizes = Learner.gradient, []

    def small(self, rows, places):
        sizes.append(len(places))
        if len(places) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return gradient(self, rows, places)

    monkeypatch.setattr(Learner, "gradient", small)
    found = run(*learner_of(chosen))
    assert sizes == [6, 3, 3, 3, 3]
    torch.testing.assert_close(found.best, wanted.best, rtol=0, atol=2e-6)
