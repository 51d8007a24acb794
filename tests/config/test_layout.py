"""Where results are: names that users and rules rely on, spelled out."""

from prism.config.layout import Layout

from .conftest import load


def test_every_kind_of_result_has_its_files():
    config = load(
        run=["real", "ddis-cat", "sre2l-ipc1"],
        synthesis={"images_per_class": 4, "shards": 2},
        distillation={"seeds": [0, 7]},
        pruning={"sparsities": [0.5, 0.75], "methods": ["ddis-cat"], "seeds": [1]},
    )
    files = Layout(config)
    student = "miniature-student/seed"
    assert files.results(["prompts", "tokens"]) == [
        "results/miniature/prompts/class-token.json",
        "results/miniature/tokens/class-token.json",
    ]
    assert files.results(["synthesis"]) == [
        "results/miniature/synthesis/ddis-cat/shard-0000.json",
        "results/miniature/synthesis/ddis-cat/shard-0001.json",
        "results/miniature/synthesis/sre2l-ipc1/shard-0000.json",  # one image of a class is one shard
    ]
    # each shard has all classes, so that the first one shows them
    assert files.results(["images"]) == [
        "results/miniature/synthesis/ddis-cat/shard-0000.tar",
        "results/miniature/synthesis/sre2l-ipc1/shard-0000.tar",
    ]
    assert files.results(["evaluation"]) == [
        f"results/miniature/evaluation/{name}.json" for name in ("real", "ddis-cat")
    ]
    assert files.results(["relabelling"]) == ["results/miniature/relabelling/sre2l-ipc1.json"]
    assert files.results(["history"])[:2] == [
        f"results/miniature/distillation/real/{student}-0/history.csv",
        f"results/miniature/distillation/real/{student}-7/history.csv",
    ]
    assert files.results(["distillation"])[:2] == [
        f"results/miniature/distillation/real/{student}-0/metrics.json",
        f"results/miniature/distillation/real/{student}-0/manifest.json",
    ]
    assert files.results(["generalization"])[-1] == f"results/miniature/generalization/sre2l-ipc1/{student}-7.json"
    assert files.results(["pruning"]) == [
        "results/miniature/pruning/ddis-cat/sparsity-0.5/seed-1/metrics.json",
        "results/miniature/pruning/ddis-cat/sparsity-0.75/seed-1/metrics.json",
    ]
    assert files.shards("real") == []
    assert Layout(config, "elsewhere").shards("ddis-cat", "json")[0] == "elsewhere/synthesis/ddis-cat/shard-0000.json"
