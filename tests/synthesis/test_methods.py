"""Methods with an interleaved student, mixed latents or candidates: whole shards, and equal bytes after a kill."""

import copy

import numpy as np
import pytest

from prism.artifacts import progress_dir, read_manifest, sha256_file
from prism.config import CutMixConfig, GuidanceTerm, InterleavedStudentConfig, MethodConfig, SelectConfig
from prism.data.classes import load_classes
from prism.data.prompts import PromptRecord, write_prompt_file
from prism.data.shards import manifest_path, read_shard
from prism.errors import ConfigError
from prism.seeds import image_seed
from prism.synthesis import stage
from prism.synthesis.stage import batch_plan, synthesize

PER_CLASS = 5
ADVERSARIAL = GuidanceTerm(energy="adversarial", scale=0.5, interval=(0.0, 1.0))
METHODS = {
    "student": MethodConfig(
        prompts="class-name",
        guidance=[ADVERSARIAL],
        student=InterleavedStudentConfig(
            architecture="miniature-student-small",
            **{"every": 2, "start": 2, "epochs": 2, "warmup_epochs": 1, "batch": 8, "learning_rate": 0.02},
        ),
        cutmix=CutMixConfig(every=2),
    ),
    "any": MethodConfig(prompts="class-name", cutmix=CutMixConfig(every=2, partners="any")),
    "select": MethodConfig(prompts="class-name", select=SelectConfig(draw=1.5)),
    "statistics": MethodConfig(
        prompts="class-name",
        guidance=[GuidanceTerm(energy="batch-norm", statistics="batch", interval=(0.0, 1.0))],
    ),
    "plain": MethodConfig(prompts="class-name"),
}


@pytest.fixture
def settings(config):
    """The smoke configuration with these methods, one shard of five images a class."""
    return config.model_copy(
        update={
            "methods": METHODS,
            "synthesis": config.synthesis.model_copy(update={"images_per_class": PER_CLASS, "shards": 1}),
            "diffusion": config.diffusion.model_copy(update={"batch": 20}),
        }
    )


@pytest.fixture
def prompts(settings, tmp_path):
    """Five prompts a class, all different."""
    facts = {"sense": "", "content": "", "style": "", "engine": "templates"}
    records = [
        PromptRecord(class_index=index, prompt=f"a photo of a {one.name}, {j}", seed=j, **facts)
        for index, one in enumerate(load_classes(settings.classes))
        for j in range(PER_CLASS)
    ]
    path = tmp_path / "results" / "x" / "prompts" / "class-name.jsonl"
    write_prompt_file(path, records)
    return path


@pytest.fixture
def run(settings, prompts, tmp_path):
    def run(method, name="x"):
        output = tmp_path / "results" / name / "synthesis" / method / "shard-0000.tar"
        synthesize(settings, method, 0, prompts, output)
        return output

    return run


@pytest.mark.parametrize("method", ["student", "select", "statistics"])
def test_killed_at_any_batch_or_training_and_run_again_the_bytes_are_those_of_an_uninterrupted_run(
    run, tmp_path, monkeypatch, method
):
    expected = sha256_file(run(method))
    draw, learn, done = stage._draw, stage.InterleavedStudent.learn, []

    def once(function):
        """Dies the first time that a piece of work is asked for, and does it the next time."""

        def dying(*given):
            piece = (function.__name__, given[-1] if isinstance(given[-1], list) else given[1])
            if piece not in done:
                done.append(piece)
                raise KeyboardInterrupt
            return function(*given)

        return dying

    monkeypatch.setattr(stage, "_draw", once(draw))
    monkeypatch.setattr(stage.InterleavedStudent, "learn", once(learn))
    kills = 0
    while True:
        try:
            output = run(method, "y")
            break
        except KeyboardInterrupt:
            kills += 1
    assert kills == len(done) >= 3
    assert sha256_file(output) == expected
    assert not progress_dir(output).exists()


def test_the_student_changes_what_comes_after_its_first_training_and_nothing_before(run, monkeypatch):
    counts = []

    def learn(self, number, images):
        """A student that names the teacher's classes with half of its logits, so that the energy acts."""
        counts.append((number, len(images)))
        student = copy.deepcopy(self.teacher)
        for parameter in student.network.linear.parameters():
            parameter.mul_(0.5)
        return student

    monkeypatch.setattr(stage.InterleavedStudent, "learn", learn)
    with_student = read_shard(run("student"))
    assert counts == [(0, 20), (1, 40)], "rounds of two images of ten classes; nothing comes after the last one"
    monkeypatch.setattr(stage.InterleavedStudent, "learn", lambda *given: None)
    without = read_shard(run("student", "y"))
    equal = (with_student.images == without.images).all(axis=(1, 2, 3))
    early = np.array([record["image_index"] < 2 for record in with_student.records])
    assert equal[early].all() and not equal[~early].all()


def test_mixed_images_say_what_is_in_them(run):
    records = read_shard(run("any")).records
    shares = np.array([record["mix"] for record in records])
    assert 0 < shares.mean() < 1 and len(records) == 50
    assert any(record["mixed_class_index"] != record["class_index"] for record in records)
    same = read_shard(run("student")).records
    assert all(record["mixed_class_index"] == record["class_index"] for record in same)
    assert sum(record["mix"] > 0 for record in same) >= 35, "of five images the last round's one has no partner"


def test_a_redrawn_image_leaves_the_rest_of_a_mixed_batch_as_it_was(run, settings, monkeypatch):
    whole = read_shard(run("any"))
    first = stage.Sampler.sample
    calls = []

    def faulty(self, prompts, labels, seeds, **given):
        images = first(self, prompts, labels, seeds, **given)
        calls.append(list(seeds))
        if len(calls) == 1:
            images[3] = 0.5
        return images

    monkeypatch.setattr(stage.Sampler, "sample", faulty)
    output = run("any", "y")
    mended = read_shard(output)
    assert read_manifest(manifest_path(output)).details["redrawn"] == 1
    assert len(calls[1]) == len(calls[0]) and [a == b for a, b in zip(*calls[:2], strict=True)].count(False) == 1
    changed = [key for key, a, b in zip(whole.keys, whole.images, mended.images, strict=True) if (a != b).any()]
    assert len(changed) == 1
    for one, other in zip(whole.records, mended.records, strict=True):
        assert one == other or f"{one['class_index']:04d}-{one['image_index']:06d}" == changed[0]


def test_selection_keeps_as_many_images_of_lower_energy_and_records_both_counts(run, settings):
    output = run("select")
    kept, plain = read_shard(output), read_shard(run("plain"))
    assert kept.keys == plain.keys
    details = read_manifest(manifest_path(output)).details
    assert (details["candidates"], details["kept"]) == (80, 50)
    first = {(r["class_index"], r["image_index"]): r for r in plain.records}
    for record in kept.records:
        label, candidate = record["class_index"], record["candidate_index"]
        assert record["seed"] == image_seed(settings.seed, label, candidate)
        if candidate < PER_CLASS:
            assert record["energy"] == pytest.approx(first[label, candidate]["energy"], abs=0.05)
        else:
            assert record["prompt"] == first[label, candidate - PER_CLASS]["prompt"]
    assert any(record["candidate_index"] >= PER_CLASS for record in kept.records)
    assert "candidate_index" not in plain.records[0] and "mix" not in plain.records[0]


def test_batches_follow_from_the_configuration(settings):
    places = stage.shard_plan(10, PER_CLASS, 1)[0]
    rounds = batch_plan(settings, METHODS["student"], places)
    assert [sum(map(len, batches)) for batches in rounds] == [20, 20, 10]
    assert [len(batch) for batch in batch_plan(settings, METHODS["any"], places)[0]] == [16, 17, 17]
    assert [len(batch) for batch in batch_plan(settings, METHODS["plain"], places)[0]] == [20, 20, 10]


def test_a_teacher_without_batchnorm_is_refused_before_anything_is_drawn(settings, prompts, tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "load_teacher", lambda *given: pytest.fail("nothing should be loaded"))
    without = settings.teacher.model_copy(update={"architecture": "miniature-mixer"})
    with pytest.raises(ConfigError, match="methods.statistics needs BatchNorm"):
        synthesize(
            settings.model_copy(update={"teacher": without}),
            "statistics",
            0,
            prompts,
            tmp_path / "results" / "shard-0000.tar",
        )


def test_a_batch_too_small_for_statistics_of_it_is_refused_with_the_number_needed(settings, prompts, tmp_path):
    uneven = settings.model_copy(update={"diffusion": settings.diffusion.model_copy(update={"batch": 16})})
    with pytest.raises(ConfigError, match="needs batches of at least 16 images, and one has 12"):  # 50 in four
        synthesize(uneven, "statistics", 0, prompts, tmp_path / "results" / "shard-0000.tar")
