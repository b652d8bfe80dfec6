"""Instances of registered metrics and generators."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from contextlib import suppress

from seedbench.errors import PluginError, SeedBenchError, did_you_mean
from seedbench.plugins import registry
from seedbench.plugins.code_digest import code_digest
from seedbench.plugins.generator import Generator
from seedbench.plugins.generator_spec import GeneratorSpec
from seedbench.plugins.metric import Metric, SetMetric
from seedbench.suites.suite import Suite


def generator_class(spec: GeneratorSpec) -> type[Generator]:
    """The class of a generator, once its constructor is known to take the options.

    Args:
        spec: the generator and its options.

    Returns:
        The class. It is not constructed: the values of the options may still be wrong.

    Raises:
        UnknownNameError: nobody registers the name.
        PluginError: the plug-in cannot be loaded.
        SeedBenchError: an option is missing, or is none that the generator has.
    """
    kind: type[Generator] = registry.load("generators", spec.name)
    parameters = inspect.signature(kind).parameters
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    for name in spec.options if not takes_any else ():
        if name not in parameters:
            raise SeedBenchError(f"generator {spec.label!r} has no option {name!r}{did_you_mean(name, parameters, list_known=True)}")
    for name, parameter in parameters.items():
        is_named = parameter.kind not in {parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL}
        if is_named and parameter.default is parameter.empty and name not in spec.options:
            raise SeedBenchError(f"generator {spec.label!r} needs the option {name}=, as in -g {spec.name}:{name}=...")
    return kind


def make_generator(spec: GeneratorSpec) -> Generator:
    """Construct a generator with its options.

    Args:
        spec: the generator and its options.

    Returns:
        A new instance.

    Raises:
        UnknownNameError: nobody registers the name.
        PluginError: the plug-in cannot be loaded.
        SeedBenchError: the options are not the ones it takes, or its constructor raises an error.
    """
    kind = generator_class(spec)
    try:
        generator = kind(**spec.options)
        with suppress(AttributeError):  # a frozen class has no label
            generator.label = spec.label
        return generator
    except SeedBenchError:
        raise
    except Exception as error:
        raise SeedBenchError(f"generator {spec.label!r} cannot be made with these options: {type(error).__name__}: {error}") from error


def errors_in_stage_blocks(suite: Suite, generators: Iterable[Generator]) -> list[str]:
    """What is wrong in the stage blocks of a suite, as the generators that read them say.

    Args:
        suite: the suite; where it was read from a file, its lines are named.
        generators: the generators to ask; those that read no stage blocks have nothing to say.

    Returns:
        One sentence for each mistake, which begins with ``FILE:LINE``.
    """
    return [
        f"{suite.place(prompt.id, refusal.location)}: prompt {prompt.id!r}: {refusal.sentence}; {generator.name} will refuse it"
        for generator in generators
        for prompt in suite.prompts
        for refusal in generator.refusals(prompt)
        if refusal.location[:1] == ("stage",)
    ]


def generators_without_options() -> list[Generator]:
    """An instance of each registered generator that needs no options.

    Returns:
        The instances by name of the generator. Those that cannot be loaded or constructed are left out without a warning.
    """
    instances = []
    for name in registry.entries("generators"):
        with suppress(SeedBenchError):
            instances.append(make_generator(GeneratorSpec(label=name, name=name)))
    return instances


def make_metrics(names: tuple[str, ...]) -> dict[str, Metric | SetMetric]:
    """Construct metrics by name.

    Args:
        names: registered names.

    Returns:
        The metrics by name, in the order given.

    Raises:
        UnknownNameError: nobody registers a name.
        PluginError: a metric cannot be loaded or constructed.
    """
    return {name: make_metric(name) for name in names}


def make_metric(name: str) -> Metric | SetMetric:
    """Construct one metric by name.

    Args:
        name: its registered name.

    Returns:
        A new instance.

    Raises:
        UnknownNameError: nobody registers the name.
        PluginError: the metric cannot be loaded or constructed.
    """
    kind = registry.load("metrics", name)
    try:
        code_digest(kind)  # now, while the files are those that were loaded
        return kind()
    except SeedBenchError:
        raise
    except Exception as error:
        raise PluginError(f"metric {name!r} ({kind.__module__}) cannot be made: {type(error).__name__}: {error}") from error
