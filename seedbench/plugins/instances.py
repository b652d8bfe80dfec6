"""Instances of registered metrics and generators, made with their options."""

from __future__ import annotations

from seedbench.errors import PluginError, SeedBenchError
from seedbench.plugins import registry
from seedbench.plugins.code_digest import code_digest
from seedbench.plugins.generator import Generator
from seedbench.plugins.generator_spec import GeneratorSpec
from seedbench.plugins.metric import Metric, SetMetric


def make_generator(spec: GeneratorSpec) -> Generator:
    """Construct a generator. Raises SeedBenchError when its options are not the ones it takes."""
    kind = registry.load("generators", spec.name)
    try:
        return kind(**spec.options)
    except SeedBenchError:
        raise
    except TypeError as error:
        raise SeedBenchError(f"generator {spec.label!r} does not take these options: {error}") from error
    except Exception as error:
        raise SeedBenchError(f"generator {spec.label!r} cannot be made with these options: {type(error).__name__}: {error}") from error


def make_metrics(names: tuple[str, ...]) -> dict[str, Metric | SetMetric]:
    """Construct the metrics called ``names``. Raises UnknownNameError, PluginError."""
    return {name: make_metric(name) for name in names}


def make_metric(name: str) -> Metric | SetMetric:
    """Construct the metric called ``name``. Raises UnknownNameError, PluginError."""
    kind = registry.load("metrics", name)
    try:
        code_digest(kind)  # now, while the files are those that were loaded
        return kind()
    except SeedBenchError:
        raise
    except Exception as error:
        raise PluginError(f"metric {name!r} ({kind.__module__}) cannot be made: {type(error).__name__}: {error}") from error
