"""The names that the configuration knows without loading anything are those of the registries."""

from importlib import import_module

from .conftest import load


def test_the_names_are_those_of_the_registries():
    from prism.config.names import (
        ARCHITECTURES,
        BATCHNORM_ENERGIES,
        CORRUPTIONS,
        ENERGIES,
        FIGURES,
        STUDENT_ENERGIES,
        TABLES,
        WORLD_DOMAINS,
    )

    classifiers = import_module("prism.models.classifiers")
    assert set(ARCHITECTURES) == set(classifiers.ARCHITECTURES)
    corruptions = import_module("prism.generalization.corruptions")
    assert set(CORRUPTIONS) == {"all", *corruptions.CORRUPTIONS}
    sources = import_module("prism.miniature.sources")
    assert set(WORLD_DOMAINS) == {"corrupted", *sources.DOMAINS}
    tables = import_module("prism.tables.registry")
    written = load().tables
    assert (set(written.tables), set(written.figures)) == (set(tables.TABLES), set(tables.FIGURES))
    assert (set(TABLES), set(FIGURES)) == (set(tables.TABLES), set(tables.FIGURES))
    guidance = import_module("prism.guidance")
    assert set(ENERGIES) == set(guidance.ENERGIES)
    assert set(BATCHNORM_ENERGIES) == {name for name, energy in guidance.ENERGIES.items() if energy.statistics}
    assert set(STUDENT_ENERGIES) == {name for name, energy in guidance.ENERGIES.items() if energy.student}
