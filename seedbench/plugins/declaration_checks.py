"""Checks of what a plug-in declares, when it is loaded: mistakes are named at once, and not in the middle of a run."""

from __future__ import annotations

import math
import typing
from collections.abc import Iterator, Sequence

from seedbench.plugins.generator import Generator, Importer
from seedbench.plugins.metric import NEEDS, Direction, Measure, Metric, MetricInfo, SetMetric

_LONGEST_NAME = 100  # the size of the database column


def declaration_problem(group: str, name: str, loaded: object, package: str = "") -> str:
    """What is wrong with a plug-in.

    Args:
        group: ``metrics``, ``generators`` or ``commands``.
        name: the name of its entry point.
        loaded: what the entry point leads to.
        package: the installed package that registers it, whose list of weights may have been refused.

    Returns:
        The first mistake, as the end of a sentence that begins with the plug-in; "" if there is none.
    """
    checks = {"metrics": _of_metric, "generators": _of_generator, "commands": _of_commands}
    refused = _refused_weights(loaded, package) if group == "metrics" else ""
    return refused or next(checks[group](name, loaded), "")


def _refused_weights(kind: object, package: str) -> str:
    """Why the weights of a metric are not available: the list of its package was refused, because of a mistake or a name that is taken."""
    from seedbench.plugins.weights_lists import lists

    info = getattr(kind, "info", None)
    refused = lists().refused.get(package, "") if isinstance(info, MetricInfo) and info.weights else ""
    return f"uses weights, and {refused}" if refused else ""


def _of_metric(name: str, kind: object) -> Iterator[str]:
    if not (isinstance(kind, type) and issubclass(kind, Metric | SetMetric)):
        yield "is not a Metric or SetMetric"
        return
    if issubclass(kind, Metric) and issubclass(kind, SetMetric):
        yield "is a Metric and a SetMetric; a metric is one of them"
    base, asked = (SetMetric, ("embed", "compare")) if issubclass(kind, SetMetric) else (Metric, ("score",))
    yield from (f"does not define {method}()" for method in asked if getattr(kind, method) is getattr(base, method))
    info = getattr(kind, "info", None)
    if not isinstance(info, MetricInfo):
        yield f"has {_a(info)} as its info, where a MetricInfo is needed"
        return
    if info.name != name:
        yield f"is registered as {name!r} and calls itself {info.name!r} (info.name); give both the same name"
    yield from _of_info(info)


def _of_info(info: MetricInfo) -> Iterator[str]:
    if len(info.name) > _LONGEST_NAME:
        yield f"has a name of {len(info.name)} characters; {_LONGEST_NAME} are allowed"
    for field in ("title", "meaning", "citation", "limits", "primary"):
        if not isinstance(getattr(info, field), str):
            yield f"has {_a(getattr(info, field))} as its info.{field}, where text is needed"
    for field in ("version", "min_n"):
        if type(getattr(info, field)) is not int or getattr(info, field) < 1:
            yield f"has {getattr(info, field)!r} as its info.{field}, where a whole number from 1 is needed"
    if not isinstance(info.needs, frozenset | set) or not info.needs <= NEEDS:
        yield f"needs {_listed(info.needs)}; a metric can need {', '.join(sorted(NEEDS))} (a set of these)"
    if not isinstance(info.measures, tuple | list) or not info.measures:
        yield "declares no measures (info.measures)"
        return
    for measure in info.measures:
        yield from _of_measure(measure)
    names = [measure.name for measure in info.measures]
    doubled = {name for name in names if names.count(name) > 1}
    if doubled:
        yield f"declares two measures called {sorted(doubled)[0]!r}"
    tested = [measure.name for measure in info.measures if measure.headline and measure.direction != "none"]
    if info.primary and info.primary not in tested:
        yield f"names {info.primary!r} as its primary measure, which is none of its headline measures with a direction"
    yield from _of_weights(info.weights)


def _of_measure(measure: object) -> Iterator[str]:
    if not isinstance(measure, Measure):
        yield f"has {_a(measure)} among its measures, where a Measure is needed"
        return
    if not isinstance(measure.name, str) or not measure.name or len(measure.name) > _LONGEST_NAME:
        yield f"has a measure called {measure.name!r}; a name of 1 to {_LONGEST_NAME} characters is needed"
    for field in ("title", "unit", "meaning", "sign"):
        if not isinstance(getattr(measure, field), str):
            yield f"has {_a(getattr(measure, field))} as the {field} of its measure {measure.name!r}, where text is needed"
    if measure.direction not in typing.get_args(Direction):
        known = ", ".join(typing.get_args(Direction))
        yield f"gives its measure {measure.name!r} the direction {measure.direction!r}; known: {known}"
    bounds = [bound for bound in (measure.low, measure.high) if bound is not None]
    if not all(isinstance(bound, int | float) and math.isfinite(bound) for bound in bounds) or sorted(set(bounds)) != bounds:
        yield f"bounds its measure {measure.name!r} by {measure.low!r} and {measure.high!r}; a lower and a higher number or None are needed"


def _of_weights(weights: object) -> Iterator[str]:
    from seedbench.plugins.weights import all_weights

    if not isinstance(weights, tuple | list) or not all(isinstance(name, str) for name in weights):
        yield f"has {_a(weights)} as its info.weights, where a tuple of names is needed"
        return
    unknown = [name for name in weights if name not in all_weights()]
    if unknown:
        yield (
            f"uses weights {unknown[0]!r}, which no list of weights names; list them in a weights.toml of the package and register that"
            " under the entry point group seedbench.weights"
        )


def _of_generator(name: str, kind: object) -> Iterator[str]:
    if not (isinstance(kind, type) and issubclass(kind, Generator)):
        yield "is not a Generator"
        return
    given = getattr(kind, "name", None)
    if given != name:
        yield f"is registered as {name!r} and calls itself {given!r} (name); give both the same name"
    for method in ("capabilities", "generate"):
        if getattr(kind, method) is getattr(Generator, method):
            yield f"does not define {method}()"
    if not issubclass(kind, Importer):
        for method in ("offers", "own_seeds", "suite", "variants"):
            if hasattr(kind, method):
                yield f"defines {method}(), which only an Importer is asked for; derive from seedbench.plugins.generator.Importer"


def _of_commands(name: str, app: object) -> Iterator[str]:
    import typer

    if not isinstance(app, typer.Typer):
        yield f"is {_a(app)}, where a typer.Typer is needed"
    elif not (app.registered_commands or app.registered_groups or app.registered_callback):
        yield "is a typer.Typer without a command"


def _a(value: object) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"


def _listed(value: object) -> str:
    return (
        ", ".join(sorted(map(str, value))) if isinstance(value, set | frozenset | Sequence) and not isinstance(value, str) else repr(value)
    )
