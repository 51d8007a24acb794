"""The stage: whole shards, equal bytes, nothing lost when it is killed."""

import numpy as np
import pytest
import torch

from prism.artifacts import progress_dir, sha256_file, verify
from prism.data.shards import manifest_path, read_shard, read_shards
from prism.errors import ModelError, PromptError, ShardError
from prism.models.diffusion import TextToImage
from prism.synthesis import stage
from prism.synthesis.stage import synthesize

pytestmark = pytest.mark.usefixtures("no_real_images")  # none of it sees any


@pytest.fixture
def output(tmp_path):
    return tmp_path / "results" / "x" / "synthesis" / "prism" / "shard-0000.tar"


def run(config, prompts, output, method="vanilla+eda", shard=0):
    return synthesize(config, method, shard, prompts, output)


def test_a_shard_holds_every_class_with_seed_energy_and_confidence(config, prompt_file, output):
    manifest = run(config, prompt_file, output)
    shard = read_shard(output)
    assert sorted(set(shard.labels)) == list(range(10)) and len(shard.images) == 10
    record = shard.records[3]
    assert record["prompt"] == "a photo of a bow" and record["seed"] > 0
    assert np.isfinite(record["energy"]) and 0 <= record["teacher_confidence"] <= 1
    assert manifest.recipe["guidance"][0]["energy"] == "joint"
    assert set(manifest.models) == {"teacher", "pipeline", "tiny_decoder"}
    assert verify(manifest_path(output)).count == 10
    assert not progress_dir(output).exists()


def test_killed_at_any_batch_and_run_again_the_bytes_are_those_of_an_uninterrupted_run(
    config, prompt_file, output, tmp_path, monkeypatch
):
    small = config.model_copy(update={"diffusion": config.diffusion.model_copy(update={"batch": 3})})
    run(small, prompt_file, output)
    expected = sha256_file(output)
    again = tmp_path / "results" / "y" / "synthesis" / "prism" / "shard-0000.tar"
    original, drawn = stage._draw, []

    def dies_in_its_third_batch(sampler, settings, records, places):
        if len(drawn) == 2:
            raise KeyboardInterrupt
        drawn.append(places)
        return original(sampler, settings, records, places)

    monkeypatch.setattr(stage, "_draw", dies_in_its_third_batch)
    with pytest.raises(KeyboardInterrupt):
        run(small, prompt_file, again)
    assert not again.exists() and not manifest_path(again).exists()
    resumed = []
    monkeypatch.setattr(stage, "_draw", lambda *given: resumed.append(given[3]) or original(*given))
    run(small, prompt_file, again)
    assert sha256_file(again) == expected
    assert len(drawn) == 2 and len(resumed) == 2, "finished batches must not be drawn twice"


def test_a_damaged_unfinished_batch_is_drawn_again(config, prompt_file, output, tmp_path, monkeypatch, caplog):
    run(config, prompt_file, output)
    again = tmp_path / "results" / "y" / "synthesis" / "prism" / "shard-0000.tar"
    with monkeypatch.context() as patch:
        patch.setattr(stage, "write_shard", lambda *given: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(config, prompt_file, again)
    saved = sorted(progress_dir(again).rglob("batch-*.npz"))
    saved[0].write_bytes(saved[0].read_bytes()[:100])
    run(config, prompt_file, again)
    assert sha256_file(again) == sha256_file(output)
    assert "drawn again" in caplog.text


def test_another_scale_does_not_take_up_the_batches_of_the_old_one(config, prompt_file, output, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(stage, "write_shard", lambda *given: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(config, prompt_file, output)
    calls = []
    original = stage._draw
    monkeypatch.setattr(stage, "_draw", lambda *given: calls.append(1) or original(*given))
    method = config.methods["vanilla+eda"]
    term = method.guidance[0].model_copy(update={"scale": 0.9})
    methods = {**config.methods, "vanilla+eda": method.model_copy(update={"guidance": [term]})}
    run(config.model_copy(update={"methods": methods}), prompt_file, output)
    assert len(calls) == 2


def test_seconds_are_those_of_all_processes_that_were_at_it(config, prompt_file, output, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(stage, "write_shard", lambda *given: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(config, prompt_file, output)
    (saved,) = progress_dir(output).rglob("seconds")
    assert 0 < float(saved.read_text()) < 90
    saved.write_text("1000.0")
    assert 1000 < run(config, prompt_file, output).run["seconds"] < 1090


def test_other_arithmetic_does_not_take_up_the_batches_either(config, prompt_file, output, monkeypatch):
    """A job that began on another device, or in another precision, made other images."""
    with monkeypatch.context() as patch:
        patch.setattr(stage, "write_shard", lambda *given: (_ for _ in ()).throw(KeyboardInterrupt))
        patch.setattr(stage, "arithmetic", lambda device, dtype: "cuda bfloat16")
        with pytest.raises(KeyboardInterrupt):
            run(config, prompt_file, output)
    calls = []
    original = stage._draw
    monkeypatch.setattr(stage, "_draw", lambda *given: calls.append(1) or original(*given))
    assert run(config, prompt_file, output).run["arithmetic"] == "cpu float32"
    assert len(calls) == 2


def test_images_do_not_depend_on_the_number_of_shards_or_the_batch(config, prompt_file, tmp_path):
    folder = tmp_path / "results" / "x" / "synthesis" / "vanilla"
    two = []
    for shard in range(2):
        two.append(folder / f"shard-{shard:04d}.tar")
        run(config, prompt_file, two[-1], "vanilla", shard)
    one = tmp_path / "results" / "y" / "synthesis" / "vanilla" / "shard-0000.tar"
    whole = config.model_copy(
        update={
            "synthesis": config.synthesis.model_copy(update={"shards": 1}),
            "diffusion": config.diffusion.model_copy(update={"batch": 5}),
        }
    )
    run(whole, prompt_file, one, "vanilla")
    split, together = read_shards(two), read_shard(one)
    order = np.argsort(split.keys)
    assert tuple(np.array(split.keys)[order]) == together.keys
    difference = np.abs(split.images[order].astype(int) - together.images.astype(int))
    assert difference.max() <= 1


def out_of_memory_above(images, monkeypatch):
    """A device whose U-Net takes so many images, as both halves of the guidance."""
    denoise = TextToImage.denoise

    def limited(model, latents, *rest):
        if len(latents) > 2 * images:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return denoise(model, latents, *rest)

    monkeypatch.setattr(TextToImage, "denoise", limited)


def test_out_of_memory_halves_the_batch_says_so_in_the_manifest_and_leaves_the_images(
    config, prompt_file, output, tmp_path, monkeypatch
):
    whole = tmp_path / "results" / "y" / "synthesis" / "vanilla+eda" / "shard-0000.tar"
    assert "rows_at_once" not in run(config, prompt_file, whole).run
    out_of_memory_above(3, monkeypatch)
    assert run(config, prompt_file, output).run["rows_at_once"] == 2  # of batches of 8: 4, then 2
    difference = read_shard(whole).images.astype(int) - read_shard(output).images.astype(int)
    assert np.abs(difference).max() <= 1


def test_out_of_memory_of_a_method_that_reads_its_batch_is_one_line(config, prompt_file, output, monkeypatch):
    out_of_memory_above(3, monkeypatch)
    method = config.methods["vanilla+eda"]
    term = method.guidance[0].model_copy(update={"energy": "batch-norm", "statistics": "batch"})
    methods = {**config.methods, "vanilla+eda": method.model_copy(update={"guidance": [term]})}
    changed = {
        "methods": methods,
        "diffusion": config.diffusion.model_copy(update={"batch": 20}),
        "synthesis": config.synthesis.model_copy(update={"shards": 1}),
    }
    with pytest.raises(ModelError, match="diffusion.batch: batches of 20 images do not fit .* such as 10"):
        run(config.model_copy(update=changed), prompt_file, output)


def test_images_that_no_seed_mends_end_in_one_line(config, prompt_file, output, monkeypatch):
    monkeypatch.setattr(
        "prism.synthesis.sampler.Sampler.sample",
        lambda self, prompts, labels, seeds, **settings: torch.zeros(len(prompts), 3, 32, 32),
    )
    with pytest.raises(ModelError, match="image 0 of class 0 is not finite or constant"):
        run(config, prompt_file, output)


def test_too_few_prompts_are_refused_before_any_model_is_loaded(config, prompt_file, output):
    lines = prompt_file.read_text().splitlines(keepends=True)
    prompt_file.write_text("".join(lines[:-1]))
    with pytest.raises(PromptError, match="fish.*1 prompts, 2 are needed"):
        run(config, prompt_file, output)


@pytest.mark.parametrize("shard", [-1, 2])
def test_a_shard_beyond_the_plan_is_refused(config, prompt_file, output, shard):
    with pytest.raises(ShardError, match=f"there is no shard {shard}; synthesis.shards=2, so 0 to 1"):
        run(config, prompt_file, output, shard=shard)
