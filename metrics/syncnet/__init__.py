"""SyncNet v2 with weights the user supplies: LSE-D, LSE-C and the audio-video offset, as published and with the padding left out."""

from seedbench.metrics.syncnet.metric import SyncNet

__all__ = ["SyncNet"]
