"""What the metric declares."""

from __future__ import annotations

from seedbench.plugins.metric import OFFSET_SIGN, Measure, MetricInfo

BACKEND = "stops-dis256+parabolas1-flux10ms"

INFO = MetricInfo(
    name="impact",
    title="Impact alignment",
    meaning="whether the sounds of hits come when the hits are seen",
    citation=(
        "stops: Davis & Agrawala, Visual Rhythm and Beat (2018), on optical flow of Kroeger et al. (2016); onsets: Böck & Widmer 2013; "
        "chance by circular shifts is SeedBench's own (docs/metrics/impact.md)"
    ),
    default_rank=40,
    libraries=("librosa", "opencv-python-headless", "scenedetect-headless", "silero-vad"),
    version=4,
    needs=frozenset({"video", "audio", "events"}),
    weights=("silero-vad",),
    measures=(
        Measure(
            name="alignment",
            title="Hits heard when seen",
            unit="",
            direction="up",
            meaning=(
                "correlation of sudden stops with onsets at the best lag within 50 ms, above chance: 0 is what the same sound reaches at "
                "other times of the clip, 1 a perfect fit; filmed hits reach .2 to .65"
            ),
            low=-1.0,
            high=1.0,
            headline=True,
        ),
        Measure(
            name="offset_ms",
            title="Impact offset",
            unit="ms",
            direction="zero",
            meaning=(
                "how far sounds are ahead of their hits: median over contacts of whole bodies, else the lag of the best fit where it "
                "exceeds chance"
            ),
            sign=OFFSET_SIGN,
            low=-250.0,
            high=250.0,
            headline=True,
        ),
        Measure(
            name="chance_p",
            title="Fit by chance",
            unit="share",
            direction="none",
            meaning="share of sounds with the same onsets at random times that fit the picture as well",
            low=0.0,
            high=1.0,
        ),
        Measure(
            name="f1",
            title="Contacts heard and seen (F1)",
            unit="0..1",
            direction="up",
            meaning="harmonic mean of precision and recall of contacts of whole bodies and sounds, matched within 120 ms",
            low=0.0,
            high=1.0,
        ),
        Measure(
            name="recall",
            title="Contacts heard",
            unit="share",
            direction="up",
            meaning="share of seen contacts of whole bodies with a sound within 120 ms",
            low=0.0,
            high=1.0,
        ),
        Measure(
            name="precision",
            title="Sounds seen",
            unit="share",
            direction="up",
            meaning="share of sounds with a contact of a whole body within 120 ms",
            low=0.0,
            high=1.0,
        ),
        Measure(
            name="offset_mad_ms",
            title="Spread of the offset",
            unit="ms",
            direction="down",
            meaning="median absolute deviation of the offset over matched contacts of whole bodies",
            low=0.0,
        ),
    ),
)
