"""The stage and what comes after it: the file that diffusers reads, resume, and images drawn with it."""

import pytest
import safetensors.torch
import torch
from diffusers import StableDiffusionPipeline

from prism.artifacts import progress_dir, read_manifest, sha256_file, verify
from prism.data.classes import load_classes
from prism.data.prompts import read_prompts
from prism.data.pseudo_words import STEM, pseudo_word
from prism.data.shards import manifest_path, read_shard
from prism.errors import ConfigError, ModelError, PromptError, ShardError
from prism.models.diffusion import load_text_to_image
from prism.models.pseudo_words import add_pseudo_words, initial_row, read_pseudo_words, write_pseudo_words
from prism.prompts.stage import write_prompts
from prism.synthesis.stage import synthesize
from prism.tokens.learning import Learner
from prism.tokens.stage import learn_tokens

pytestmark = pytest.mark.usefixtures("no_real_images")  # none of it sees any


@pytest.fixture
def prompts(config_with, tmp_path):
    path = tmp_path / "results" / "x" / "prompts" / "class-token.jsonl"
    write_prompts(config_with(), "class-token", path)
    return path


@pytest.fixture
def output(tmp_path):
    return tmp_path / "results" / "x" / "tokens" / "class-token.safetensors"


def test_the_file_is_a_textual_inversion_and_images_are_drawn_with_it(
    config_with, prompts, output, random_models, tmp_path
):
    config = config_with()
    assert [one.prompt for one in read_prompts(prompts, load_classes(config.classes), 2)[7]] == [
        f"a photo of a {pseudo_word(7)} ring"
    ] * 2
    manifest = learn_tokens(config, "class-token", prompts, output)
    assert verify(output.with_suffix(".json")).count == 10
    assert set(manifest.models) == {"teacher", "pipeline", "tiny_decoder"}
    facts = manifest.details["classes"]
    assert [one["class_index"] for one in facts] == list(range(10))
    assert all(one["epochs"] in (1, 2) and 0 <= one["agreement"] <= 1 and one["loss"] > 0 for one in facts)
    assert all(one["agreement"] >= one["first_agreement"] for one in facts)
    assert not progress_dir(output).exists()
    rows = read_pseudo_words(output, 10)

    pipeline = StableDiffusionPipeline.from_pretrained(
        random_models / "text-to-image", safety_checker=None, local_files_only=True, low_cpu_mem_usage=False
    )
    started_from = (
        pipeline.text_encoder.get_input_embeddings()
        .weight[pipeline.tokenizer("a", add_special_tokens=False).input_ids[0]]
        .clone()
    )
    pipeline.load_textual_inversion(str(output))
    table = pipeline.text_encoder.get_input_embeddings().weight
    for index in range(10):
        number = pipeline.tokenizer.convert_tokens_to_ids(pseudo_word(index))
        assert torch.equal(table[number], rows[index])
    assert torch.equal(table[pipeline.tokenizer.convert_tokens_to_ids(STEM)], started_from)
    # Its prompts mean the same there: one token before the name, and the same text embedding.
    prompt = f"a photo of a {pseudo_word(9)} fish, in the snow"
    assert pipeline.maybe_convert_prompt(prompt, pipeline.tokenizer) == prompt
    theirs = pipeline.encode_prompt(prompt, torch.device("cpu"), 1, False)[0]
    model = load_text_to_image(config.diffusion, torch.device("cpu"))
    add_pseudo_words(model, rows)
    torch.testing.assert_close(model.embed([prompt]), theirs, atol=1e-6, rtol=0)

    shard = tmp_path / "results" / "x" / "synthesis" / "ddis-cat" / "shard-0000.tar"
    made = synthesize(config, "ddis-cat", 0, prompts, shard, output)
    assert made.inputs["tokens"] == sha256_file(output)
    assert read_shard(shard).records[3]["prompt"] == f"a photo of a {pseudo_word(3)} bow"
    other = rows.clone()
    other[3] = 2 * other[3].flip(0)
    write_pseudo_words(tmp_path / "other.safetensors", started_from, other)
    again = shard.with_name("shard-again.tar")
    synthesize(config, "ddis-cat", 0, prompts, again, tmp_path / "other.safetensors")
    same = [bool((a == b).all()) for a, b in zip(read_shard(shard).images, read_shard(again).images, strict=True)]
    assert same == [index != 3 for index in range(10)], "a token changes the images of its own class alone"
    assert verify(manifest_path(again)).recipe_hash != made.recipe_hash


def test_killed_and_run_again_the_bytes_are_those_of_an_uninterrupted_run(
    config_with, prompts, output, tmp_path, monkeypatch
):
    config = config_with(epochs=1, images=1, accumulate=1, batch=4)
    learn_tokens(config, "class-token", prompts, output)
    again = tmp_path / "results" / "y" / "tokens" / "class-token.safetensors"
    original, drawn = Learner.gradient, []

    def dies_in_its_third_batch(self, rows, places):
        if len(drawn) == 2:
            raise KeyboardInterrupt
        drawn.append(places)
        return original(self, rows, places)

    with monkeypatch.context() as patch:
        patch.setattr(Learner, "gradient", dies_in_its_third_batch)
        with pytest.raises(KeyboardInterrupt):
            learn_tokens(config, "class-token", prompts, again, save_every_seconds=0)
    assert not again.exists() and len(list(progress_dir(again).glob("*.safetensors"))) == 1
    resumed = []
    monkeypatch.setattr(
        Learner, "gradient", lambda self, rows, places: resumed.append(places) or original(self, rows, places)
    )
    learn_tokens(config, "class-token", prompts, again)
    assert len(resumed) == 1, "finished batches must not be drawn twice"
    assert again.read_bytes() == output.read_bytes()
    details = [read_manifest(path.with_suffix(".json")).details for path in (output, again)]
    assert details[0] == details[1]


@pytest.fixture
def tokens(config_with, tmp_path, random_models):
    """``tokens(change)``: a file of ten tokens, its table changed."""
    model = load_text_to_image(config_with().diffusion, torch.device("cpu"))
    start = initial_row(model, "a")

    def write(change=lambda table: {STEM: table}):
        path = tmp_path / "tokens.safetensors"
        path.write_bytes(safetensors.torch.save(change(start.expand(11, -1).clone())))
        return path

    return write


def not_finite(table):
    table[4, 0] = float("nan")
    return {STEM: table}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: {STEM: table[:-1].clone()}, "learned tokens for 9 classes, the class list has 10"),
        (lambda table: {"<other>": table}, "holds <other>, not rows of the token <align> alone"),
        (not_finite, "the learned token of class 3 is not finite"),
        (lambda table: {STEM: table[:, :8].clone()}, "learned with 8 features a token, the text encoder .* has 32"),
    ],
    ids=["missing row", "foreign token", "not finite", "other width"],
)
def test_tokens_that_do_not_fit_are_one_line(config_with, prompts, tokens, tmp_path, change, message):
    with pytest.raises(ModelError, match=message) as caught:
        synthesize(config_with(), "ddis-cat", 0, prompts, tmp_path / "s.tar", tokens(change))
    assert "\n" not in str(caught.value)


def test_a_damaged_or_missing_file_is_one_line(tokens, tmp_path):
    path = tokens()
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(ModelError, match="not a whole safetensors file") as caught:
        read_pseudo_words(path, 10)
    assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match="there is no such file of learned tokens"):
        read_pseudo_words(tmp_path / "none.safetensors", 10)


def test_tokens_of_another_pipeline_or_changed_ones_are_refused(config_with, prompts, output):
    learn_tokens(config_with(epochs=1, images=1, accumulate=1, batch=10), "class-token", prompts, output)
    with pytest.raises(ModelError, match="learned on another pipeline"):
        read_pseudo_words(output, 10, "0" * 16)
    output.write_bytes(output.read_bytes()[:-1] + b"x")
    with pytest.raises(ShardError, match="class-token.safetensors"):
        read_pseudo_words(output, 10)


def test_prompts_tokens_and_method_must_belong_together(config_with, prompts, tokens, tmp_path):
    config = config_with()
    with pytest.raises(ModelError, match="method ddis-cat needs the tokens of its strategy"):
        synthesize(config, "ddis-cat", 0, prompts, tmp_path / "s.tar")
    with pytest.raises(ModelError, match="method vanilla has no tokens; leave --tokens out"):
        synthesize(config, "vanilla", 0, prompts, tmp_path / "s.tar", tokens())
    with pytest.raises(PromptError, match="class 0: .*token <align>_1; its strategy has no learned tokens"):
        synthesize(config, "vanilla", 0, prompts, tmp_path / "s.tar")
    plain = tmp_path / "plain.jsonl"
    write_prompts(config, "class-name", plain)
    with pytest.raises(PromptError, match="names the learned token none; it should name <align>_1, once"):
        learn_tokens(config, "class-token", plain, tmp_path / "t.safetensors")


def test_a_strategy_without_a_token_has_none_to_learn(config_with, prompts, output):
    with pytest.raises(ConfigError, match="strategies.class-name.token: false, so there is no token to learn"):
        learn_tokens(config_with(), "class-name", prompts, output)


def test_a_word_that_is_not_one_token_cannot_be_started_from(config_with, prompts, output):
    with pytest.raises(ModelError, match="tokens.initial: 'zebra crossing' is .* tokens to diffusion.pipeline"):
        learn_tokens(config_with(initial="zebra crossing"), "class-token", prompts, output)
